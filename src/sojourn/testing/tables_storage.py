"""What the suite for warehouses asks of a storage, and how it compares tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

from sojourn.core.ports import Batch, Tables

Row = Mapping[str, Any]
Contents = dict[str, tuple[frozenset[str], list[str]]]
"""By `namespace.table`: the names of its columns, and its rows (no nulls) as text, sorted."""
_LOADED_AT = ("uuid_ts", "loaded_at")


class Storage(Protocol):
    """Where one warehouse keeps its tables."""

    def open(self) -> Tables:
        """The warehouse over this storage; each call opens it anew. Sources: `SOURCES`."""
        ...

    def open_failing(self, after: int) -> Tables:
        """The same, but its far end fails, with a `Transient` error, after so many steps."""
        ...

    def read(self) -> Mapping[str, Sequence[Row]]:
        """All tables by `namespace.table`: rows by column, names in lower case; nulls included.

        A table without rows has the one row `{column: None, …}` or is left out.
        """
        ...


NewStorage = Callable[[], Storage]


def contents(storage: Storage, precision: int = 1000) -> Contents:
    """The tables in a form to compare, without the times of loading.

    `precision`: how many parts of a second the warehouse keeps.
    """
    found: Contents = {}
    for name, rows in storage.read().items():
        columns = {column for row in rows for column in row if column not in _LOADED_AT}
        lines = sorted(
            repr([(c, plain(row[c], precision)) for c in sorted(columns) if row.get(c) is not None])
            for row in rows
            if any(value is not None for value in row.values())
        )
        found[name] = (frozenset(columns), lines)
    return found


def plain(value: Any, precision: int = 1000) -> Any:
    """A value so that it compares across warehouses: numbers are floats, times are numbers."""
    if isinstance(value, bool | int | float | Decimal):
        return float(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(round(moment.timestamp() * 1000) * precision // 1000)
    if isinstance(value, date):
        return plain(datetime(value.year, value.month, value.day, tzinfo=UTC), precision)
    return value


def load_all(storage: Storage, loads: Sequence[Sequence[Batch]]) -> None:
    """Load one after the other."""
    tables = storage.open()
    try:
        for batches in loads:
            tables.load(batches)
    finally:
        tables.close()


def rows_of(found: Contents) -> dict[str, list[str]]:
    """The rows alone: tables and columns may have come before the load failed."""
    return {name: rows for name, (_, rows) in found.items() if rows}
