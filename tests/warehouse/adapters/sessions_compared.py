"""Sessions tables sent on to a warehouse, compared with those of the embedded DuckDB."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sojourn.core.ports import Batch
from sojourn.insights.sessions import SessionModel
from sojourn.testing.tables_events import SOURCES, in_pieces, visits
from sojourn.testing.tables_storage import plain
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.session_feed import KEYS, SessionFeed, SessionFollower


@contextmanager
def embedded_tables() -> Iterator[DuckDBTables]:
    """A DuckDB in memory that notes whose sessions change."""
    model = SessionModel(SOURCES.get)
    tables = DuckDBTables(None, SOURCES.get, SessionFeed(model))
    with tables.cursor() as cursor:
        model.prepare(cursor)
    try:
        yield tables
    finally:
        tables.close()


def shuffled(count: int, size: int = 30) -> list[list[Batch]]:
    """Late events too: sessions that were sent change again."""
    events = visits(count)
    random.Random(5).shuffle(events)
    return in_pieces(events, (size,))


def comparable(rows: Iterable[Mapping[str, Any]], precision: int = 1000) -> list[str]:
    """Rows as sorted texts; times in `precision` parts of a second."""
    lines = []
    for row in rows:
        values = {n: plain(v, precision) for n, v in row.items() if v is not None}
        values = {n: float(v) if isinstance(v, int) else v for n, v in values.items()}
        values.pop("bucket", None)
        lines.append(json.dumps(values, sort_keys=True))
    return sorted(lines)


def of_embedded(embedded: DuckDBTables, table: str, precision: int = 1000) -> list[str]:
    """The rows of the embedded DuckDB."""
    return comparable(embedded.query(f"SELECT * FROM {table}").to_pylist(), precision)


def follow_and_compare(
    embedded: DuckDBTables, tables: Any, read: Any, loads: Sequence[Sequence[Batch]],
    precision: int = 1000,
) -> None:  # fmt: skip
    """Load piece by piece, send each on, and compare in the end. `read` gives all tables."""
    follower = SessionFollower("test", embedded.cursor, tables)
    for load in loads:
        embedded.load(load)
        assert follower.follow() > 0
        assert follower.follow() == 0
    found = read()
    for table in KEYS:
        theirs = comparable(found[f"sojourn.{table}"], precision)
        ours = of_embedded(embedded, table, precision)
        assert len(theirs) == len(ours) > 0
        for one, other in zip(theirs, ours, strict=True):
            assert one == other, f"{table}:\n{one}\n{other}"
