from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sojourn.core.ports import EVENTS
from sojourn.log.clock import WallClock
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    opened = SqliteLog(tmp_path / "log.db", {EVENTS: 2})
    yield opened
    await opened.close()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteStateStore]:
    store = SqliteStateStore(tmp_path / "state.db", WallClock())
    yield store
    store.close()
