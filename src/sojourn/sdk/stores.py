"""Where a client keeps identity and session between runs: memory, or a SQLite file."""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Optional, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path


class Storage(Protocol):
    """Where identity and session live. Several processes may share one.

    `load` and `save` as in `sojourn.core.ports.SessionStore`. More is optional: `look_every_ms`
    (how long a client may go without reading what others wrote, and without writing mere
    activity; `None`: nobody else writes; default: 0), `shares_person` (others also write who the
    person is), `exclusive()` (see there), `after_fork()`, `close()`.
    """

    def load(self) -> Mapping[str, Any]:
        """All stored values, JSON values by name."""
        ...

    def save(self, changes: Mapping[str, Any]) -> None:
        """Write the changes in one atomic step; `None` removes a value."""
        ...


def exclusive(store: Storage) -> AbstractContextManager[object]:
    """While it is held, no other process changes the store, where the store can tell."""
    hold = getattr(store, "exclusive", None)
    return hold() if hold is not None else nullcontext()


class MemoryStore:
    """Nothing outlives the process."""

    look_every_ms = None

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def load(self) -> Mapping[str, Any]:
        """All stored values."""
        return dict(self._values)

    def save(self, changes: Mapping[str, Any]) -> None:
        """Write the changes; `None` removes a value."""
        self._values.update(changes)
        self._values = {key: value for key, value in self._values.items() if value is not None}


class FileStore:
    """A SQLite file, which several processes may share. It is opened at the first use.

    A file that cannot be opened or written is no error to the program: the values then live in
    memory, and `last_error` says why.
    """

    look_every_ms = 200

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: Optional[sqlite3.Connection] = None
        self._memory = MemoryStore()
        self.last_error: Optional[str] = None

    def load(self) -> Mapping[str, Any]:
        """All stored values."""
        try:
            rows = self._open().execute("SELECT key, value FROM identity").fetchall()
            return {key: json.loads(value) for key, value in rows}
        except Exception as error:
            return self._without_file(error).load()

    def save(self, changes: Mapping[str, Any]) -> None:
        """Write the changes in one transaction; `None` removes a value."""
        try:
            with self.exclusive():
                connection = self._open()
                for key, value in changes.items():
                    if value is None:
                        connection.execute("DELETE FROM identity WHERE key = ?", (key,))
                    else:
                        text = json.dumps(value)
                        connection.execute("REPLACE INTO identity VALUES (?, ?)", (key, text))
        except Exception as error:
            self._without_file(error).save(changes)

    def exclusive(self) -> AbstractContextManager[object]:
        """A transaction around several calls: no other process writes meanwhile."""
        return _Transaction(self)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connection alone, open one of our own."""
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            import sqlite3

            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._path.exists():  # SQLite would let everybody read it
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = sqlite3.connect(
                self._path, timeout=2, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS identity"
                    " (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
                )
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _without_file(self, error: Exception) -> MemoryStore:
        self.last_error = f"{self._path}: {error}"
        return self._memory


_inherited: list[sqlite3.Connection] = []
"""A forked child must neither use nor close the connections of its parent."""


class _Transaction:
    """`BEGIN IMMEDIATE` … `COMMIT`, unless one is open already or the file is of no use."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._connection: Optional[sqlite3.Connection] = None

    def __enter__(self) -> None:
        try:
            connection = self._store._open()
            if not connection.in_transaction:
                connection.execute("BEGIN IMMEDIATE")
                self._connection = connection
        except Exception as error:
            self._store.last_error = str(error)

    def __exit__(self, kind: object, *_: object) -> None:
        if self._connection is None:
            return
        try:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        except Exception as failure:  # no room on the disk: what memory holds goes on
            self._store.last_error = str(failure)
