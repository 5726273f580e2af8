"""Events that wait for delivery, in files: they outlive the process, however it ends.

Each process writes a file of its own, held by a lock for as long as the process lives; a file
without a living owner is taken over by the next process. A line is one event. The first line of
a file is the place up to which its events are done with. A line is in the hands of the operating
system before the call that made the event returns, so it survives the end of the process
(`os._exit` and SIGKILL too), though not the end of the machine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any, Optional

_HEAD = 21
_SUFFIX = ".queue"
_TIDY_BYTES = 1 << 20


class Journal:
    """One file of waiting events. Not safe for threads by itself: the outbox's lock guards it.

    Raises `ValueError` if the file is something else.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        head = file.read(_HEAD)
        if len(head) < _HEAD:
            head = b"%020d\n" % _HEAD
            file.seek(0)
            file.write(head)
        self._done = self._read = int(head)
        self.size = file.seek(0, os.SEEK_END)
        """Bytes in the file, all of them whole lines but perhaps the last."""
        self.path = path
        self._file = file
        self._append: Any = open(path, "ab", buffering=0)  # noqa: SIM115 (lives with the object)

    def append(self, event: bytes) -> None:
        """Write one event (JSON without its closing brace). Raises `OSError`."""
        line = event + b"}\n"
        if self._append.write(line) != len(line):
            self._append.truncate(self.size)
            raise OSError("the disk is full")
        self.size += len(line)

    def read(self, max_events: int, max_bytes: int) -> list[bytes]:
        """The next events that were not read yet, without their closing braces.

        At least one if there is any. What a dying process left unfinished is passed over.
        """
        self._file.seek(self._read)
        data = self._file.read(max_bytes)
        while data and b"\n" not in data:
            more = self._file.read(max_bytes)
            data = data + more if more else b""
        if not data:
            self._read = self.size
            return []
        lines = data.split(b"\n", max_events)[:-1]
        self._read += sum(map(len, lines)) + len(lines)
        return [line[:-1] for line in lines if line.endswith(b"}")]

    def skip(self, length: int) -> None:
        """Pass over an event of `length` bytes that was delivered from memory."""
        self._read += length + 2

    def settle(self) -> None:
        """Note that everything read or skipped so far is done with."""
        if self._done == self._read:
            return
        self._done = self._read
        if self._done >= self.size:
            if self.size > _TIDY_BYTES:
                self._append.truncate(_HEAD)
                self.size = self._done = self._read = _HEAD
        elif self._done > _TIDY_BYTES and self.size < self._done * 1.5:
            self._compact()
        self._file.seek(0)
        self._file.write(b"%020d" % self._done)

    def _compact(self) -> None:
        """Go on in a new file that holds only what still waits."""
        self._file.seek(self._done)
        rest = self._file.read()
        fresh = create(self.path.parent, self.path.name.split("-")[0])
        fresh._append.write(rest)
        self.path.unlink(missing_ok=True)
        self.release()
        self.path, self._file, self._append = fresh.path, fresh._file, fresh._append
        self.size, self._done, self._read = _HEAD + len(rest), _HEAD, _HEAD

    @property
    def unread(self) -> int:
        """Bytes that are neither read nor skipped."""
        return self.size - self._read

    def count(self) -> int:
        """How many events wait in this file."""
        self._file.seek(self._done)
        return sum(chunk.count(b"\n") for chunk in iter(lambda: self._file.read(1 << 20), b""))

    def close(self, *, remove_if_done: bool = True) -> None:
        """Release the file; without waiting events it goes."""
        if remove_if_done and self._done >= self.size:
            self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Close this process's handles and nothing else (also for a forked child)."""
        self._file.close()
        self._append.close()


def create(folder: Path, tag: str) -> Journal:
    """A new file of this process. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"{tag}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        file = open(path, "x+b", buffering=0, opener=_private)  # noqa: SIM115 (lives with the journal)
        if _lock(file) is not False and path.exists():
            return Journal(path, file)
        file.close()  # another process took it for one that a dead process left


def adopt(folder: Path, tag: str) -> list[Journal]:
    """The files that dead processes left, oldest first; they are locked for this process."""
    found: list[tuple[float, Journal]] = []
    for path in folder.glob(f"{tag}-*{_SUFFIX}"):
        try:
            file = open(path, "r+b", buffering=0)  # noqa: SIM115 (lives with the journal)
        except OSError:
            continue  # its owner has just removed it
        journal = _adopted(path, file)
        if journal is None:
            file.close()
        else:
            found.append((path.stat().st_mtime, journal))
    return [journal for _, journal in sorted(found, key=lambda item: item[0])]


def _adopted(path: Path, file: IO[bytes]) -> Optional[Journal]:
    try:
        if not _lock(file) or not path.exists():
            return None
        return Journal(path, file)
    except (OSError, ValueError):  # not a file of ours
        return None


def _private(path: str, flags: int) -> int:
    """Opens a file that only its owner may read: events are about people."""
    return os.open(path, flags, 0o600)


def _lock(file: IO[bytes]) -> Optional[bool]:
    """Take the file's lock, which ends with this process; False if another process has it.

    None where the file system has no locks: files that were left there stay as they are.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 30)  # the lock is mandatory there: on bytes that nobody reads
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True
