"""The embedded DuckDB passes the suite for warehouses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sojourn.core.errors import WarehouseUnavailable
from sojourn.testing.tables_events import SOURCES
from sojourn.testing.tables_suite import TablesSuite
from sojourn.warehouse.duckdb import DuckDBTables

NAMES = """
    SELECT schema_name || '.' || table_name AS name FROM duckdb_tables()
    WHERE schema_name NOT IN ('main', 'sojourn')
"""


class AwaySessions:
    """A session model that fails after some of its calls: the load has made its rows by then."""

    def __init__(self, after: int) -> None:
        self._left = after

    def update(self, connection, source_id, events) -> int:
        self._left -= 1
        if self._left < 0:
            raise WarehouseUnavailable("lost on purpose")
        return 0


class DuckDBStorage:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> DuckDBTables:
        return DuckDBTables(self._path, SOURCES.get)

    def open_failing(self, after: int) -> DuckDBTables:
        return DuckDBTables(self._path, SOURCES.get, AwaySessions(after))

    def read(self):
        tables = self.open()
        try:
            found = {}
            for name in tables.query(NAMES).column("name").to_pylist():
                schema, table = name.split(".")
                rows = tables.query(f'SELECT * FROM "{schema}"."{table}"')
                found[name] = rows.to_pylist() or [dict.fromkeys(rows.column_names)]
            return found
        finally:
            tables.close()


class TestDuckDB(TablesSuite):
    destination_type = "DUCKDB"
    steps = (0, 0, 1, 2)
    """A load of the suite asks the session model twice."""

    def erase(self, tables, people):
        return tables.exclusively(lambda connection: tables.erase(people, (), SOURCES)[0])

    @pytest.fixture
    def new_storage(self, tmp_path):
        count = iter(range(100))
        return lambda: DuckDBStorage(tmp_path / f"{next(count)}.duckdb")
