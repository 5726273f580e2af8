"""What the SQLite log keeps, and what it lets go: by readers, age and size."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from sojourn.core.ports import Entry
from sojourn.log import DAY_MS, Retention, SqliteLog
from sojourn.testing.log_suite import ManualClock, last_of, numbered, read_all

from ..upkeep import upkeep


async def offsets(log: SqliteLog, name: str, count: int) -> list[int]:
    return [entry.offset for entry in await read_all(log.reader("raw", name), count)]


async def test_old_entries_go_once_every_reader_is_done_with_them(tmp_path: Path) -> None:
    clock = ManualClock()
    retention = Retention(max_age_ms=10 * DAY_MS)
    log = SqliteLog(tmp_path / "log.db", retention=retention, clock=clock)
    fast, slow = log.reader("raw", "fast"), log.reader("raw", "slow")
    await log.append("raw", numbered(10))
    clock.now += 5 * DAY_MS
    await log.append("raw", numbered(10, start=10))
    found = await read_all(fast, 20)
    await fast.commit(last_of(found))
    await slow.commit(last_of((await read_all(slow, 20))[:4]))

    clock.now += 4 * DAY_MS
    upkeep(log)
    assert log.stats.trimmed == 0, "nothing is old enough"
    clock.now += 2 * DAY_MS
    upkeep(log)
    assert await offsets(log, "a", 16) == list(range(5, 21)), "the slow one still needs 5 to 10"
    await log.reader("raw", "a").commit({0: 20})
    await slow.commit({0: 20})
    upkeep(log)
    assert await offsets(log, "b", 10) == list(range(11, 21)), "11 to 20 are young"
    assert log.stats.trimmed == 10
    assert log.stats.lost_unread == 0
    await log.close()


async def test_a_reader_that_is_gone_for_long_holds_nothing_back(tmp_path: Path) -> None:
    clock = ManualClock()
    retention = Retention(max_age_ms=DAY_MS, forget_reader_ms=30 * DAY_MS)
    log = SqliteLog(tmp_path / "log.db", retention=retention, clock=clock)
    gone = log.reader("raw", "gone")
    await gone.read(1, 0)
    await log.append("raw", numbered(5))
    clock.now += 29 * DAY_MS
    upkeep(log)
    assert log.stats.trimmed == 0
    clock.now += 2 * DAY_MS
    upkeep(log)
    assert log.stats.trimmed == 4
    assert [e.value for e in await gone.read(1 << 20, 5)] == [b"4"], "the newest always stays"
    assert (await gone.lag()).entries == 1
    await log.close()


async def test_a_reader_without_a_name_holds_nothing_back(tmp_path: Path) -> None:
    clock = ManualClock()
    log = SqliteLog(tmp_path / "log.db", retention=Retention(max_age_ms=DAY_MS), clock=clock)
    await log.append("raw", numbered(5))
    looking = log.reader("raw", "")
    assert len(await looking.read(1, 5)) == 1
    clock.now += 2 * DAY_MS
    upkeep(log)
    assert log.stats.trimmed == 4
    assert log.stats.lost_unread == 0
    assert [e.value for e in await looking.read(1 << 20, 5)] == [b"4"]
    await log.close()


async def test_offsets_never_repeat_even_when_all_is_trimmed(tmp_path: Path) -> None:
    clock = ManualClock()
    log = SqliteLog(tmp_path / "log.db", retention=Retention(max_age_ms=1), clock=clock)
    await log.append("raw", numbered(5))
    clock.now += DAY_MS
    upkeep(log)
    await log.close()
    log = SqliteLog(tmp_path / "log.db", clock=clock)
    await log.append("raw", numbered(1))
    assert await offsets(log, "r", 2) == [5, 6]
    await log.close()


async def test_above_its_size_the_log_sheds_what_was_read(tmp_path: Path) -> None:
    big = [Entry("k", bytes(100_000)) for _ in range(100)]
    limits = Retention(max_age_ms=0, max_bytes=3_000_000)
    log = SqliteLog(tmp_path / "log.db", retention=limits)
    reader = log.reader("raw", "r")
    await log.append("raw", big)
    await read_all(reader, 100)
    upkeep(log)
    assert log.stats.trimmed == 0, "not read yet"
    await reader.commit({0: 90})
    upkeep(log)
    assert 70 <= log.stats.trimmed <= 90
    assert log.stats.lost_unread == 0
    await log.close()


async def test_above_the_hard_limit_unread_entries_go_and_are_counted(tmp_path: Path) -> None:
    big = [Entry("k", bytes(100_000)) for _ in range(100)]
    limits = Retention(max_age_ms=0, max_bytes=0, hard_bytes=3_000_000)
    log = SqliteLog(tmp_path / "log.db", retention=limits)
    reader = log.reader("raw", "r")
    await reader.read(1, 0)
    await log.append("raw", big)
    upkeep(log)
    lost = log.stats.lost_unread
    assert 70 <= lost < 100
    assert lost == log.stats.trimmed
    assert (await reader.lag()).entries == 100 - lost
    assert len(await read_all(reader, 100 - lost)) == 100 - lost
    await log.close()


async def test_trimming_happens_by_itself_beside_appends(tmp_path: Path) -> None:
    clock = ManualClock()
    log = SqliteLog(tmp_path / "log.db", retention=Retention(max_age_ms=1), clock=clock)
    await log.append("raw", numbered(5000))
    clock.now += 10
    deadline = time.monotonic() + 10
    while log.stats.trimmed < 4900:
        assert time.monotonic() < deadline
        await log.append("raw", numbered(1))
        await asyncio.sleep(0.01)
    await log.close()
