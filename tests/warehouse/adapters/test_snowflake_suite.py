"""Snowflake passes the suite for warehouses, with its own connector, on fakesnow."""

from __future__ import annotations

import fakesnow
import pytest
import snowflake.connector

from sojourn.testing.failing_engine import FailingEngine
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.testing.tables_suite import TablesSuite
from sojourn.warehouse.snowflake import SnowflakeEngine, SnowflakeTables

from .sessions_compared import follow_and_compare, shuffled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Arrow output on a DB-API result:UserWarning"),
]
TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema NOT IN ('PUBLIC', 'INFORMATION_SCHEMA')
        AND table_name NOT LIKE 'SOJOURN%'
"""


class FakesnowEngine(SnowflakeEngine):
    """fakesnow's COPY does not find temporary tables: there they are made as others are."""

    def run(self, sql: str) -> int:
        return super().run(sql.replace("CREATE TEMPORARY TABLE", "CREATE TABLE"))


class SnowflakeStorage:
    def __init__(self, number: int) -> None:
        self._database = f"DB_{number}"

    def engine(self) -> SnowflakeEngine:
        return FakesnowEngine(account="test", user="u", password="p", database=self._database)

    def open(self, **options) -> SnowflakeTables:
        return SnowflakeTables(self.engine(), SOURCES.get, options)

    def open_failing(self, after: int) -> SnowflakeTables:
        return SnowflakeTables(FailingEngine(self.engine(), after), SOURCES.get)

    def read(self):
        found = {}
        with snowflake.connector.connect(database=self._database, schema="PUBLIC") as connection:
            cursor = connection.cursor()
            for schema, table in cursor.execute(TABLES).fetchall():
                cursor.execute(f'SELECT * FROM "{schema}"."{table}"')
                names = [column.name.lower() for column in cursor.description]
                rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
                found[f"{schema}.{table}".lower()] = rows or [dict.fromkeys(names)]
        return found


@pytest.fixture
def new_storage():
    count = iter(range(100))
    with fakesnow.patch():
        yield lambda: SnowflakeStorage(next(count))


class TestSnowflake(TablesSuite):
    destination_type = "SNOWFLAKE"
    size = 0.2
    steps = (0, 10, 20, 40)


def test_names_are_in_upper_case_and_columns_have_the_types_of_rudderstacks(new_storage):
    storage = new_storage()
    tables = storage.open(jsonPaths="track.properties.j")
    properties = {"n": 1, "x": 1.5, "t": "text", "at": "2024-01-01", "b": True, "j": {"a": 1}}
    tables.load([in_batch(table_event(0, properties=properties))])
    types = dict(
        storage.engine().rows(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'WEB_SHOP' AND table_name = 'ADDED'"
        )
    )
    assert {name: types[name] for name in ("N", "X", "T", "AT", "B", "J", "ID")} == {
        "N": "NUMBER",
        "X": "FLOAT",
        "T": "TEXT",
        "AT": "TIMESTAMP_TZ",
        "B": "BOOLEAN",
        "J": "VARIANT",
        "ID": "TEXT",
    }
    assert storage.engine().rows('SELECT "J":a::int FROM "WEB_SHOP"."ADDED"') == [(1,)]


def test_the_sessions_are_those_of_the_embedded_warehouse(embedded, new_storage):
    storage = new_storage()
    follow_and_compare(embedded, storage.open(), storage.read, shuffled(40, size=20))
