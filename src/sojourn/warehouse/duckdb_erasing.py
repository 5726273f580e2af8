"""People out of the embedded DuckDB's tables of events, and its file written anew."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import duckdb

from sojourn.core.erasure import People
from sojourn.core.source import Source
from sojourn.warehouse.dialects import Dialect
from sojourn.warehouse.erasing import RowEraser, by_columns, namespaces_of
from sojourn.warehouse.namespaces import namespace_of
from sojourn.warehouse.queries import named_queries
from sojourn.warehouse.transform import PROVIDERS

_SQL = named_queries("sql/duckdb_erasing.sql")
_DIALECT = Dialect(PROVIDERS["duckdb"], "duckdb", {})
Events = set[tuple[str, str]]
"""Source and message ids."""


def erase_rows(
    connection: duckdb.DuckDBPyConnection,
    people: People,
    events: Collection[tuple[str, str]],
    source_ids: Collection[str],
    sources: Callable[[str], Source | None],
) -> tuple[dict[str, int], Events]:
    """Delete the people's rows from every table of every source that is meant.

    `events` are known to be theirs; `source_ids` are all that there are or were. Returns the rows
    deleted by table, and all events that were theirs. Runs in the caller's transaction.
    """
    eraser = RowEraser(_Connection(connection), _DIALECT)
    named = namespaces_of(source_ids, lambda source_id: namespace_of(source_id, sources(source_id)))
    rows: dict[str, int] = {}
    found: Events = set(events)
    for (namespace,) in connection.execute(_SQL["namespaces"]).fetchall():
        owners = named.get(namespace, set())
        if people.sources and not owners & people.sources:
            continue
        columns = connection.execute(_SQL["columns"], {"namespace": namespace}).fetchall()
        devices = {device for source_id, device in people.devices if source_id in owners}
        known = {message_id for source_id, message_id in events if source_id in owners}
        erased = eraser.erase(namespace, by_columns(columns), people, devices, known)
        given = {"namespace": namespace, "ids": sorted(erased.ids)}
        connection.execute(_SQL["forget_ids"], given)
        rows |= erased.rows
        found |= {(source_id, one) for source_id in owners for one in erased.ids}
    return rows, found


def rewrite_file(path: Path) -> None:
    """Put a file in the place of a DuckDB file that has all that is in it, and nothing else.

    Nobody may have it open. Raises `duckdb.Error` while somebody has; the old file stays then.
    """
    fresh = path.with_name(f"{path.name}.fresh")
    for left in (fresh, _journal(fresh)):
        left.unlink(missing_ok=True)
    with duckdb.connect(":memory:") as connection:
        for name, file in {"old": path, "fresh": fresh}.items():
            connection.execute(_SQL["attach"].format(file=_text(file), name=name))
        for statement in ("copy", "checkpoint", "detach_fresh", "detach_old"):
            connection.execute(_SQL[statement])
    if _journal(path).exists():
        raise duckdb.IOException(f"{_journal(path)} was not taken into {path}")
    fresh.replace(path)


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


class _Connection:
    """A connection as `RowEraser` asks it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str) -> int:
        """Run one statement; how many rows it touched."""
        return int(self._connection.execute(sql).fetchall()[0][0])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        return self._connection.execute(sql).fetchall()


def _text(path: Path) -> str:
    escaped = str(path).replace("'", "''")
    return f"'{escaped}'"
