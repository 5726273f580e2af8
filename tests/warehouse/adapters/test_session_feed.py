"""Every warehouse's sessions tables are those of the embedded DuckDB."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet
import pytest

from sojourn.core.errors import WarehouseUnavailable
from sojourn.insights.sessions import SessionModel
from sojourn.testing.tables_events import SOURCES, in_pieces, visits
from sojourn.warehouse.delta import DeltaFolder, DeltaTables
from sojourn.warehouse.parquet import ParquetFolder, ParquetTables
from sojourn.warehouse.session_feed import KEYS, SessionFeed, SessionFollower

from .sessions_compared import comparable, of_embedded, shuffled


def test_postgres_has_the_sessions_whatever_came_in_between(embedded, database):
    tables = database.open()
    follower = SessionFollower("pg", embedded.cursor, tables)
    for load in shuffled(150):
        embedded.load(load)
        tables.load(load)
        assert follower.follow() > 0
        assert follower.follow() == 0
    tables.close()
    found = database.read()
    for table in KEYS:
        assert comparable(found[f"sojourn.{table}"]) == of_embedded(embedded, table)
    types = dict(
        database.query(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'sojourn' AND table_name = 'sessions'"
        )
    )
    assert (types["start_time"], types["revenue"], types["is_bounce"], types["session_id"]) == (
        "timestamp with time zone", "numeric", "boolean", "bigint",
    )  # fmt: skip
    assert isinstance(found["sojourn.sessions"][0]["duration"], Decimal)


def test_a_warehouse_that_comes_later_gets_everything(embedded, database):
    for load in shuffled(60):
        embedded.load(load)
    tables = database.open()
    SessionFollower("late", embedded.cursor, tables).follow()
    tables.close()
    assert comparable(database.read()["sojourn.sessions"]) == of_embedded(embedded, "sessions")


def test_what_a_warehouse_did_not_get_it_gets_the_next_time(embedded, database):
    first, second, *_ = shuffled(60)
    tables = database.open()
    follower = SessionFollower("pg", embedded.cursor, tables)
    embedded.load(first)
    follower.follow()
    embedded.load(second)
    for after in (0, 3, 6):
        failing = database.open_failing(after)
        with pytest.raises(WarehouseUnavailable):
            SessionFollower("pg", embedded.cursor, failing).follow()
        failing.close()
    follower.follow()
    tables.close()
    assert comparable(database.read()["sojourn.sessions"]) == of_embedded(embedded, "sessions")


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_data_lakes_have_the_sessions(embedded, tmp_path, kind):
    tables = (
        ParquetTables(ParquetFolder(str(tmp_path)), SOURCES.get)
        if kind == "parquet"
        else DeltaTables(DeltaFolder(str(tmp_path)), SOURCES.get)
    )
    follower = SessionFollower(kind, embedded.cursor, tables)
    for load in shuffled(60):
        embedded.load(load)
        follower.follow()
    for table in KEYS:
        rows = []
        if kind == "parquet":
            for path in (tmp_path / "sojourn" / table).rglob("*.parquet"):
                rows += pyarrow.parquet.ParquetFile(path).read().to_pylist()
        else:
            from deltalake import DeltaTable, QueryBuilder

            query = QueryBuilder().register("t", DeltaTable(str(tmp_path / "sojourn" / table)))
            rows = pa.table(query.execute("SELECT * FROM t").read_all()).to_pylist()
        assert comparable(rows) == of_embedded(embedded, table)


def test_everything_is_sent_again_when_rules_change(embedded, database):
    (load,) = in_pieces(visits(20), (20,))
    embedded.load(load)
    tables = database.open()
    follower = SessionFollower("pg", embedded.cursor, tables)
    follower.follow()
    with embedded.cursor() as cursor:
        cursor.execute("UPDATE sessions SET channel = 'Changed'")
        SessionFeed(SessionModel(SOURCES.get)).note_all(cursor)
    follower.follow()
    tables.close()
    assert {row["channel"] for row in database.read()["sojourn.sessions"]} == {"Changed"}
