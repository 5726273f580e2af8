"""A PostgreSQL server of its own for tests: a fresh cluster, a free loopback port, no fsync."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sojourn.core.errors import MissingPart

_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_wal_size=2GB")


def _programs() -> Path | None:
    """The folder with `initdb` and `postgres`, of the newest version there is."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL does not run as root: then it runs as Debian's user for it."""
    if os.geteuid() != 0:
        return {}
    with suppress(KeyError):
        user = pwd.getpwnam("postgres")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A server on a free port, without passwords; `stop` and `start` keep its tables.

    `url` is that of the database `postgres`.
    """

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        """Make a cluster in `folder`, which the server's user must be able to reach."""
        self._folder, self._bin = folder, bin_folder
        self._who = _unprivileged()
        self.port = free_port()
        self.url = f"postgresql://sojourn@127.0.0.1:{self.port}/postgres"
        if self._who:
            os.chown(folder, self._who["user"], self._who["group"])
        self._run("initdb", "-D", str(folder / "data"), "-U", "sojourn", "-A", "trust",
                  "-E", "UTF8", "--no-locale", "--no-sync")  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = " ".join(f"-c {option}" for option in _FAST)
        options += f" -p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder}"
        self._control("start", "-w", "-o", options, "-l", str(self._folder / "log"))

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._control("stop", "-m", "immediate")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self._who,
        )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that is stopped and removed at the end. Raises `MissingPart` without PostgreSQL."""
    bin_folder = _programs()
    if bin_folder is None:
        raise MissingPart("install PostgreSQL's server programs (initdb, postgres)")
    folder = Path(tempfile.mkdtemp(prefix="sojourn-pg-"))
    folder.chmod(0o755)
    server = PostgresServer(folder, bin_folder)
    try:
        server.start()
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
