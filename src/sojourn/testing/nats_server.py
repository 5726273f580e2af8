"""A NATS server of its own for tests: JetStream in a temporary folder, a free loopback port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sojourn.core.errors import MissingPart

_START_S = 60
_PROGRAM = "SOJOURN_NATS_SERVER"
"""The environment variable that names another nats-server than the one on the path."""


class NatsServerProcess:
    """A server on a free port; `stop`, `kill` and `start` keep its streams.

    It syncs each message to disk before it acknowledges it, where its version can.
    """

    def __init__(self, folder: Path, program: str, extra: str = "") -> None:
        """`extra`: more lines for its configuration."""
        self.folder, self._program, self._extra = folder, program, extra
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        self.version = tuple(int(n) for n in said.stdout.split("v")[-1].strip().split(".")[:2])

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        sync = "sync_interval: always" if self.version >= (2, 10) else ""
        (self.folder / "server.conf").write_text(
            f"listen: 127.0.0.1:{self.port}\n{self._extra}\n"
            f'jetstream {{ store_dir: "{self.folder / "store"}"\n {sync} }}\n'
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self.folder / "server.conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Make it fall silent, its connections open, until `resume`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                return probe.recv(5) == b"INFO "
        except OSError:
            return False


@contextmanager
def nats_server(extra: str = "") -> Iterator[NatsServerProcess]:
    """A server that is stopped and removed at the end. Raises `MissingPart` without one."""
    program = os.environ.get(_PROGRAM) or shutil.which("nats-server", path=_search_path())
    if program is None:
        raise MissingPart("install nats-server")
    folder = Path(tempfile.mkdtemp(prefix="sojourn-nats-"))
    server = NatsServerProcess(folder, program, extra)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _search_path() -> str:
    """Debian keeps the server among the administrator's programs."""
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
