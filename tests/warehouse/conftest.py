"""A warehouse in memory, and events as the processor writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sojourn.core.ports import Batch
from sojourn.core.source import Source
from sojourn.warehouse.duckdb import DuckDBTables

START = 1_795_518_460_000


def source(source_id: str) -> Source | None:
    names = {"web": "Web Shop", "app": "main", "odd": "日本"}
    return Source(source_id, names[source_id], "key") if source_id in names else None


def iso(milliseconds: int) -> str:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(number: int = 0, kind: str = "track", **fields: Any) -> dict[str, Any]:
    at = iso(START + 1000 * number)
    return {
        "type": kind,
        "messageId": f"m{number}",
        "anonymousId": "a1",
        "rudderId": "r",
        "receivedAt": at,
        "request_ip": "203.0.113.9",
        "originalTimestamp": at,
        "sentAt": at,
        "timestamp": at,
        "context": {"sessionId": 1_795_518_454_982, "page": {"path": "/"}},
        **({"event": "Added"} if kind == "track" else {}),
        **fields,
    }


def batch(*events: Any, source_id: str = "web") -> Batch:
    lines = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
    return Batch(source_id, START, lines)


class Warehouse(DuckDBTables):
    """The tables, with shortcuts for tests."""

    def add(self, *events: Any, source_id: str = "web") -> Any:
        return self.load([batch(*events, source_id=source_id)])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.query(sql).to_pylist()]

    def dump(self) -> dict[str, Any]:
        return dump_of(self)


def dump_of(warehouse: DuckDBTables) -> dict[str, Any]:
    """All tables, without what depends on the moment or the order of loading."""
    found: dict[str, Any] = {}
    tables = warehouse.query("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL")
    for schema, table in (tuple(row.values()) for row in tables.to_pylist()):
        columns = "COLUMNS(lambda c: c <> 'uuid_ts')"
        rows = warehouse.query(f'SELECT {columns} FROM "{schema}"."{table}"')
        names = sorted(rows.column_names)
        content = sorted(json.dumps([str(row[name]) for name in names]) for row in rows.to_pylist())
        kinds = {name: str(rows.schema.field(name).type) for name in names}
        found[f"{schema}.{table}"] = (kinds, content)
    return found


@pytest.fixture
def dump() -> Any:
    return dump_of


@pytest.fixture
def new_warehouse() -> Iterator[Any]:
    opened: list[Warehouse] = []

    def make(path: Any = None, **options: Any) -> Warehouse:
        opened.append(Warehouse(path, source, **options))
        return opened[-1]

    yield make
    for tables in opened:
        tables.close()


@pytest.fixture
def warehouse(new_warehouse: Any) -> Warehouse:
    return new_warehouse()


@pytest.fixture(name="event")
def event_fixture() -> Any:
    return event


@pytest.fixture(name="batch")
def batch_fixture() -> Any:
    return batch
