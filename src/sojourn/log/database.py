"""Opens SQLite files the way the log needs them: write-ahead log, every commit on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from sojourn.core.errors import InvalidSettings, LogUnavailable

_BUSY_MS = 10_000
"""How long a commit waits for another process that is writing."""
_PAGE_BYTES = 16_384
"""Entries are of 1 kB and more: large pages halve the cost of a commit."""
_CHECKPOINT_PAGES = 16 * 2**20 // _PAGE_BYTES
_WAL_LIMIT_BYTES = 64 * 2**20

_APPLICATION_ID = 0x536A7231
"""Marks the files as ours ("Sjr1")."""


def open_database(path: Path, schema: str, version: int) -> apsw.Connection:
    """Open or create the database at `path`.

    Raises `InvalidSettings` if the file is something else or from another version, and
    `LogUnavailable` if it cannot be opened.
    """
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(_BUSY_MS)
        for pragma in (
            f"page_size = {_PAGE_BYTES}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
            # Zeros for what is deleted, where that costs no writing: erasures count on it.
            "secure_delete = FAST",
            f"journal_size_limit = {_WAL_LIMIT_BYTES}",
        ):
            connection.pragma(*pragma.split(" = "))
        _check_kind(connection, path, version)
        with connection:
            connection.execute(schema)
    except apsw.NotADBError:
        raise InvalidSettings(f"{path} is not a database; move it away or name another") from None
    except (apsw.Error, OSError) as error:
        raise LogUnavailable(f"{path}: {error}") from error
    return connection


def _check_kind(connection: apsw.Connection, path: Path, version: int) -> None:
    """Mark a new database as ours; refuse any other."""
    if not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall():
        connection.pragma("application_id", _APPLICATION_ID)
        connection.pragma("user_version", version)
    if connection.pragma("application_id") != _APPLICATION_ID:
        raise InvalidSettings(f"{path} is not Sojourn's; move it away or name another")
    found = connection.pragma("user_version")
    if found != version:
        raise InvalidSettings(f"{path} has format {found}, this Sojourn reads {version}")


def rows(connection: apsw.Connection, sql: str, *bindings: Any) -> list[Any]:
    """All rows of a query, as tuples."""
    found: list[Any] = connection.execute(sql, bindings).fetchall()
    return found


@contextmanager
def as_log_unavailable() -> Iterator[None]:
    """SQLite's errors inside become `LogUnavailable`."""
    try:
        yield
    except apsw.Error as error:
        raise LogUnavailable(str(error)) from error
