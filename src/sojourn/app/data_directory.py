"""The data directory: one Sojourn at a time, its write key, and how others find its server."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sojourn.core.errors import DataDirectoryInUse, InvalidSettings
from sojourn.settings import Configuration


@dataclass(frozen=True)
class RunningServer:
    """Where the server of a data directory listens, and the token that its control calls need."""

    url: str
    token: str
    pid: int


class DataDirectory:
    """`DIR/log.db`, `state.db`, `warehouse.duckdb`, `write_key`, `serve.json` and the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log.db"
        self.state = path / "state.db"
        self.warehouse = path / "warehouse.duckdb"
        self._write_key = path / "write_key"
        self._running = path / "serve.json"
        self._lock: IO[str] | None = None

    def create(self) -> None:
        """Make the folder. Raises `InvalidSettings` where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSettings(
                f"the data folder {self.path} cannot be made ({error.strerror}); "
                "name another one with --data-dir"
            ) from None

    def require_folder(self) -> None:
        """Raise `InvalidSettings` where the folder is not there yet."""
        if not self.path.is_dir():
            raise InvalidSettings(
                f"there is no data folder {self.path}; name it with --data-dir, "
                "or run `sojourn serve` first"
            )

    def lock(self) -> None:
        """Claim the folder for this process until `release`.

        Raises `DataDirectoryInUse` while another process has it, `InvalidSettings` where this
        user may not write. The kernel gives the lock back
        when a process dies, however it dies.
        """
        self.create()
        try:
            handle = (self.path / "lock").open("a+")
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            raise DataDirectoryInUse(
                f"{self.path}; stop the other one, or name another folder with --data-dir"
            ) from None
        self._lock = handle

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._running.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def write_key(self) -> tuple[str, bool]:
        """The write key of the source `default`, and whether it was made just now."""
        try:
            return self._write_key.read_text(encoding="ascii").strip(), False
        except FileNotFoundError:
            key = secrets.token_urlsafe(20)
            self._write_private(self._write_key, key + "\n")
            return key, True

    def identity(self) -> str:
        """What tells this folder from every other, wherever it is moved to."""
        path = self.path / "identity"
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            identity = secrets.token_hex(8)
            self._write_private(path, identity + "\n")
            return identity

    def announce(self, server: RunningServer) -> None:
        """Tell other processes of this user where the server is."""
        self._write_private(self._running, json.dumps(asdict(server)))

    def running_server(self) -> RunningServer | None:
        """The server that has this folder, if one does.

        The lock decides, not the file: that of a killed server is free.
        """
        try:
            with (self.path / "lock").open("r") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            pass
        except OSError as error:
            raise self._unusable(error) from None
        try:
            return RunningServer(**json.loads(self._running.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def require_server(self) -> RunningServer:
        """The running server. Raises `InvalidSettings` when there is none."""
        server = self.running_server()
        if server is None:
            raise InvalidSettings(
                f"no server runs on {self.path}; start `sojourn serve` first, or name --url"
            )
        return server

    def first_write_key(self, configuration: Configuration) -> str:
        """The write key of the first source, as the server of this folder has it."""
        if configuration.sources:
            return configuration.sources[0].write_key
        return str(configuration["write_key"]) or self.write_key()[0]

    def _unusable(self, error: OSError) -> InvalidSettings:
        return InvalidSettings(
            f"the data folder {self.path} cannot be used ({error.strerror}); "
            "make it a folder that this user may write, or name another one with --data-dir"
        )

    def _write_private(self, path: Path, text: str) -> None:
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
