"""The log above its budget: an alert that names who is behind, and nothing deleted."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sojourn.app.disk import LOW_BYTES, DiskWatch
from sojourn.core.ports import EVENTS, Entry, Lag
from sojourn.log import DAY_MS, Retention, SqliteLog
from sojourn.testing.log_suite import ManualClock, last_of, read_all

from ..upkeep import upkeep

BUDGET = 1_000_000
BIG = [Entry("k", bytes(100_000)) for _ in range(30)]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", retention=Retention(max_age_ms=0, max_bytes=BUDGET))
    yield log
    await log.close()


def watch(log: SqliteLog, folder: Path) -> DiskWatch:
    async def lags() -> dict[str, Lag]:
        names = ("warehouse", "warehouse:analytics")
        return {name: await log.reader(EVENTS, name).lag() for name in names}

    return DiskWatch(folder, log, BUDGET, lags)


async def test_a_log_above_its_budget_is_an_alert_that_names_who_is_behind(
    log: SqliteLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = watch(log, tmp_path)
    fast, slow = log.reader(EVENTS, "warehouse"), log.reader(EVENTS, "warehouse:analytics")
    await slow.lag()
    await log.append(EVENTS, BIG)
    await fast.commit(last_of(await read_all(fast, len(BIG))))
    upkeep(log)
    with caplog.at_level(logging.WARNING):
        use = await disk.look()
        await disk.look()
    assert use.log_bytes is not None
    assert use.folder_bytes >= use.log_bytes > 30 * 100_000 > use.budget_bytes == BUDGET
    alert = next(alert for alert in disk.alerts if alert.name == "disk_budget")
    assert "warehouse:analytics (30 entries" in alert.text
    assert "warehouse (" not in alert.text
    assert "more than disk_budget allows (1.0 MB)" in alert.text
    said = [record for record in caplog.records if "disk_budget" in record.getMessage()]
    assert len(said) == 1, "once, not at every look"

    assert log.stats.lost_unread == log.stats.trimmed == 0
    found = await read_all(slow, len(BIG))
    assert len(found) == len(BIG), "nothing that somebody has to read was deleted"
    await slow.commit(last_of(found))
    upkeep(log)
    use = await disk.look()
    assert "disk_budget" not in [alert.name for alert in disk.alerts]
    assert use.log_bytes is not None
    assert use.log_bytes <= BUDGET


async def test_a_log_that_is_only_being_trimmed_is_no_alert(log: SqliteLog, tmp_path: Path) -> None:
    disk = watch(log, tmp_path)
    reader = log.reader(EVENTS, "warehouse")
    await log.append(EVENTS, BIG)
    await reader.commit(last_of(await read_all(reader, len(BIG))))
    await disk.look()
    assert "disk_budget" not in [alert.name for alert in disk.alerts]


async def test_a_warehouse_that_is_down_for_months_is_not_forgotten_while_the_server_looks(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    retention = Retention(max_age_ms=DAY_MS, forget_reader_ms=30 * DAY_MS)
    log = SqliteLog(tmp_path / "log.db", retention=retention, clock=clock)
    disk = watch(log, tmp_path)
    await log.reader(EVENTS, "warehouse:analytics").lag()
    await log.append(EVENTS, BIG)
    for _ in range(4):
        clock.now += 20 * DAY_MS
        await disk.look()
        upkeep(log)
    assert log.stats.trimmed == 0
    await log.close()


async def test_a_disk_with_little_room_is_an_alert(
    log: SqliteLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = watch(log, tmp_path)
    for free, expected in ((LOW_BYTES - 1, ["disk_low"]), (LOW_BYTES, [])):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: Usage(free))
        assert (await disk.look()).free_bytes == free
        assert [alert.name for alert in disk.alerts] == expected


class Usage:
    def __init__(self, free: int) -> None:
        self.free = free
