"""A folder of Parquet files passes the suite for warehouses."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.testing.tables_suite import TablesSuite
from sojourn.warehouse.parquet import ParquetFolder, ParquetTables


class FailingFolder(ParquetFolder):
    """Cannot write any more after some files."""

    def __init__(self, url: str, left: int) -> None:
        super().__init__(url)
        self._left = left

    def write(self, path: str, content: bytes) -> None:
        if self._left <= 0:
            raise WarehouseUnavailable("lost on purpose")
        self._left -= 1
        super().write(path, content)


class ParquetStorage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> ParquetTables:
        return ParquetTables(ParquetFolder(str(self.folder)), SOURCES.get)

    def open_failing(self, after: int) -> ParquetTables:
        return ParquetTables(FailingFolder(str(self.folder), after), SOURCES.get)

    def read(self):
        found = {}
        for table in self.folder.glob("*/*"):
            rows = []
            for path in sorted(table.rglob("*.parquet")):
                rows += pyarrow.parquet.ParquetFile(path).read().to_pylist()
            if rows:
                found[f"{table.parent.name}.{table.name}"] = rows
        return found


@pytest.fixture
def new_storage(tmp_path):
    count = iter(range(100))
    return lambda: ParquetStorage(tmp_path / str(next(count)))


class TestParquet(TablesSuite):
    destination_type = "S3_DATALAKE"
    one_row_per = "day"  # a copy received on another day is in another file
    atomic = False  # each file is
    discards = False


def test_the_files_are_read_as_one_table_by_name(new_storage):
    storage = new_storage()
    tables = storage.open()
    days = [table_event(86_400 * n, properties={"n": n, f"p{n}": "x"}) for n in range(3)]
    tables.load([in_batch(*days)])
    pattern = f"{storage.folder}/web_shop/added/*/*.parquet"
    rows = duckdb.sql(
        f"SELECT n, p2, received_date FROM read_parquet('{pattern}', union_by_name = true)"
        " ORDER BY n"
    ).fetchall()
    assert [(n, p) for n, p, _ in rows] == [(0, None), (1, None), (2, "x")]
    assert [str(day) for _, _, day in rows] == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert not list(storage.folder.rglob("*.new"))


def test_a_place_that_is_none_is_a_wrong_setting():
    with pytest.raises(InvalidSettings, match="url"):
        ParquetFolder("nowhere://x")
