"""ClickHouse passes the suite for warehouses, on the engine that chdb embeds."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from chdb import session

from sojourn.testing.failing_engine import FailingEngine
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.testing.tables_suite import TablesSuite
from sojourn.warehouse.clickhouse import (
    INSERT_SETTINGS,
    ClickHouseEngine,
    ClickHouseTables,
)
from sojourn.warehouse.dialects import CLICKHOUSE

from .sessions_compared import follow_and_compare, shuffled

TABLES = """
    SELECT database, name FROM system.tables
    WHERE database NOT IN ('system', 'default', '_local')
        AND lower(database) <> 'information_schema'
"""


class Chdb:
    """The one session that a process may have, at the folder that was asked for last."""

    _folder: Path | None = None
    _session: session.Session | None = None

    @classmethod
    def at(cls, folder: Path | None) -> session.Session:
        if cls._session is not None and cls._folder != folder:
            cls._session.close()
            cls._session = None
        if cls._session is None and folder is not None:
            cls._session = session.Session(str(folder))
        cls._folder = folder
        return cls._session


class ChdbEngine:
    """Implements `sojourn.warehouse.engine.Engine` in this process."""

    dialect = CLICKHOUSE

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, sql: str) -> int:
        Chdb.at(self._folder).query(sql)
        return 0

    def rows(self, sql: str) -> list[tuple]:
        table = Chdb.at(self._folder).query(sql, "ArrowTable")
        return [tuple(row.values()) for row in table.to_pylist()]

    def fill(self, table: str, rows: pa.Table) -> None:
        path = self._folder / "rows.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows)
        columns = ", ".join(CLICKHOUSE.name(name) for name in rows.column_names)
        settings = ", ".join(f"{name} = {value}" for name, value in INSERT_SETTINGS.items())
        self.run(
            f"INSERT INTO {table} ({columns}) SETTINGS {settings}"
            f" SELECT {columns} FROM file('{path}', 'Arrow')"
        )

    @contextmanager
    def transaction(self):
        yield

    def close(self) -> None:
        pass


class ClickHouseStorage:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.engine = ChdbEngine(folder)

    def open(self) -> ClickHouseTables:
        return ClickHouseTables(self.engine, SOURCES.get)

    def open_failing(self, after: int) -> ClickHouseTables:
        return ClickHouseTables(FailingEngine(self.engine, after), SOURCES.get)

    def read(self):
        found = {}
        for database, table in self.engine.rows(TABLES):
            sql = f"SELECT * FROM {CLICKHOUSE.name(database, table)} FINAL"
            rows = Chdb.at(self.engine._folder).query(sql, "ArrowTable")
            found[f"{database}.{table}"] = rows.to_pylist() or [dict.fromkeys(rows.column_names)]
        return found


@pytest.fixture(scope="module", autouse=True)
def chdb_ends():
    yield
    Chdb.at(None)


@pytest.fixture
def new_storage(tmp_path):
    count = iter(range(100))
    return lambda: ClickHouseStorage(tmp_path / str(next(count)))


class TestClickHouse(TablesSuite):
    destination_type = "CLICKHOUSE"
    one_row_per = "moment"  # a row with another time of receipt is another row
    ties = "last"
    atomic = False
    counts = False
    precision = 1


def test_tables_have_the_engines_and_types_of_rudderstacks(new_storage):
    storage = new_storage()
    tables = storage.open()
    properties = {"n": 1, "x": 1.5, "b": True, "at": "1910-01-01"}
    tables.load([in_batch(table_event(0, properties=properties), identify())])
    engines = dict(
        storage.engine.rows(
            "SELECT name, engine_full FROM system.tables WHERE database = 'web_shop'"
        )
    )
    assert engines["added"].startswith(
        "ReplacingMergeTree PARTITION BY toDate(received_at) ORDER BY (received_at, id)"
    )
    assert engines["users"].startswith("AggregatingMergeTree ORDER BY (id)")
    types = dict(
        storage.engine.rows(
            "SELECT name, type FROM system.columns WHERE database = 'web_shop' AND table = 'added'"
        )
    )
    assert {name: types[name] for name in ("id", "received_at", "event", "n", "x", "b", "at")} == {
        "id": "String",
        "received_at": "DateTime",
        "event": "LowCardinality(Nullable(String))",
        "n": "Nullable(Int64)",
        "x": "Nullable(Float64)",
        "b": "Nullable(UInt8)",
        "at": "Nullable(DateTime)",
    }
    (user_type,) = storage.engine.rows(
        "SELECT type FROM system.columns"
        " WHERE database = 'web_shop' AND table = 'users' AND name = 'plan'"
    )
    assert user_type == ("SimpleAggregateFunction(anyLast, Nullable(String))",)


def identify():
    return table_event(1, "identify", userId="u", traits={"plan": "free"})


def test_the_sessions_are_those_of_the_embedded_warehouse(embedded, new_storage):
    storage = new_storage()
    follow_and_compare(embedded, storage.open(), storage.read, shuffled(90), precision=1)


def test_no_server_is_an_outage():
    from sojourn.core.errors import WarehouseUnavailable

    with pytest.raises(WarehouseUnavailable, match="ClickHouse"):
        ClickHouseEngine("clickhouse://default@127.0.0.1:1/default").rows("SELECT 1")
