from pathlib import Path

import pytest

from sojourn.log import MemoryLog, SqliteLog
from sojourn.testing.log_suite import EventLogSuite, OpenLog


class TestSqliteLog(EventLogSuite):
    @pytest.fixture
    def open_log(self, tmp_path: Path) -> OpenLog:
        return lambda partitions=None, clock=None: SqliteLog(
            tmp_path / "log.db", partitions, clock=clock
        )


class TestMemoryLog(EventLogSuite):
    durable = False

    @pytest.fixture
    def open_log(self) -> OpenLog:
        return MemoryLog
