"""Delta Lake tables pass the suite for warehouses."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder

from sojourn.core.errors import WarehouseUnavailable
from sojourn.testing.tables_events import SOURCES
from sojourn.testing.tables_suite import TablesSuite
from sojourn.warehouse.delta import DeltaFolder, DeltaTables

pytestmark = pytest.mark.slow


class FailingFolder(DeltaFolder):
    """Cannot open any more tables after some."""

    def __init__(self, url: str, left: int) -> None:
        super().__init__(url)
        self._left = left

    def _open(self, namespace, table):
        if self._left <= 0:
            raise WarehouseUnavailable("lost on purpose")
        self._left -= 1
        return super()._open(namespace, table)


class DeltaStorage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> DeltaTables:
        return DeltaTables(DeltaFolder(str(self.folder)), SOURCES.get)

    def open_failing(self, after: int) -> DeltaTables:
        return DeltaTables(FailingFolder(str(self.folder), after), SOURCES.get)

    def read(self):
        found = {}
        for log in self.folder.glob("*/*/_delta_log"):
            query = QueryBuilder().register("t", DeltaTable(str(log.parent)))
            rows = pa.table(query.execute("SELECT * FROM t").read_all())
            name = f"{log.parent.parent.name}.{log.parent.name}"
            found[name] = rows.to_pylist() or [dict.fromkeys(rows.column_names)]
        return found


class TestDelta(TablesSuite):
    destination_type = "DELTALAKE"
    atomic = False  # each table is
    size = 0.4
    steps = (0, 3, 8, 21, 34)

    @pytest.fixture
    def new_storage(self, tmp_path):
        count = iter(range(100))
        return lambda: DeltaStorage(tmp_path / str(next(count)))
