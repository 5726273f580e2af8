"""What the SQLite log promises beyond the port: processes, files, retention, failures."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.core.ports import Entry
from sojourn.log import DAY_MS, MemoryLog, Retention, SqliteLog
from sojourn.testing.log_suite import ManualClock, last_of, numbered, read_all

APPENDER = """
import asyncio, pathlib, sys
from sojourn.core.ports import Entry
from sojourn.log import SqliteLog

async def main(path, name, count):
    log = SqliteLog(pathlib.Path(path))
    for number in range(count):
        await log.append("raw", [Entry("k", f"{name}:{number}".encode())] * 2)
        print(number, flush=True)
    await log.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def appender(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", APPENDER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_processes_may_append_to_one_log_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqliteLog(path)
    reader = log.reader("raw", "r")
    others = [appender(path, name, 40) for name in "ab"]
    for number in range(40):
        await log.append("raw", [Entry("k", b"own:%d" % number)])
    found = await read_all(reader, 2 * 2 * 40 + 40)
    for other in others:
        other.communicate()
        assert other.returncode == 0
    for name in (b"a", b"b"):
        values = [e.value for e in found if e.value.startswith(name)]
        assert values == [b"%s:%d" % (name, n) for n in range(40) for _ in range(2)]
    assert [e.offset for e in found] == sorted({e.offset for e in found})
    await log.close()


async def test_a_reader_hears_of_another_process_soon(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    reader = log.reader("raw", "r")
    assert list(await reader.read(1 << 20, 0)) == []
    process = appender(tmp_path / "log.db", "x", 1)
    assert len(await reader.read(1 << 20, 10)) == 2
    process.communicate()
    await log.close()


async def test_what_was_acknowledged_outlives_kill_9_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    acknowledged: list[bytes] = []
    for life in range(5):
        process = appender(path, f"life{life}", 10_000)
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(20 + 13 * life)]
        acknowledged += [f"life{life}:{line}".encode() for line in lines]
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    log = SqliteLog(path)
    values = [e.value for e in await read_all(log.reader("raw", "r"), 2 * len(acknowledged))]
    assert set(acknowledged) <= set(values)
    assert all(values.count(value) == 2 for value in set(values))
    await log.close()


async def test_more_partitions_may_be_asked_for_later_but_not_fewer(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    entries = [Entry(f"key-{n}", b"%d" % n) for n in range(50)]
    for number, expected in ((1, {0}), (3, {0, 1, 2}), (2, {0, 1, 2})):
        log = SqliteLog(path, {"raw": number})
        await log.append("raw", entries)
        found = await read_all(log.reader("raw", f"from-{number}"), 50)
        assert {e.partition for e in found} == expected or number == 1
        await log.close()
    log = SqliteLog(path)
    found = await read_all(log.reader("raw", "all"), 150)
    assert {e.partition for e in found} == {0, 1, 2}
    await log.close()


@pytest.mark.parametrize("partitions", [{"raw": 0}, {"RAW": 1}, {"a b": 1}, {"": 1}, {"1": 1}])
def test_unusable_partitions_are_refused(tmp_path: Path, partitions: dict[str, int]) -> None:
    with pytest.raises(InvalidSettings):
        SqliteLog(tmp_path / "log.db", partitions)
    with pytest.raises(InvalidSettings):
        MemoryLog(partitions)


async def test_a_stream_name_cannot_carry_sql(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    for name in ('raw"; DROP TABLE streams; --', "raw_0; x", "x" * 100):
        with pytest.raises(InvalidSettings):
            await log.append(name, numbered(1))
        with pytest.raises(InvalidSettings):
            log.reader(name, "r")
    await log.append("raw", numbered(1))
    await log.close()


def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path) -> None:
    text, foreign, newer = tmp_path / "text", tmp_path / "foreign.db", tmp_path / "newer.db"
    text.write_text("these are my notes\n" * 100)
    connection = apsw.Connection(str(foreign))
    connection.execute("CREATE TABLE mine (x); PRAGMA user_version = 1")
    connection.close()
    asyncio.run(SqliteLog(newer).close())
    connection = apsw.Connection(str(newer))
    connection.pragma("user_version", 99)
    connection.close()
    for path, word in ((text, "not a database"), (foreign, "not Sojourn's"), (newer, "format 99")):
        with pytest.raises(InvalidSettings, match=word):
            SqliteLog(path)
    assert text.read_text().startswith("these are my notes")


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match=r"log\.db"):
        SqliteLog(tmp_path / "no such folder" / "log.db")


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqliteLog(path)
    await log.append("raw", numbered(1))
    other = apsw.Connection(str(path))
    other.execute(
        "CREATE TRIGGER full BEFORE INSERT ON raw_0 BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    results = await asyncio.gather(
        *(log.append("raw", numbered(2)) for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(result, LogUnavailable) for result in results)
    other.execute("DROP TRIGGER full")
    other.close()
    await log.append("raw", numbered(1, start=1))
    found = await read_all(log.reader("raw", "r"), 2)
    assert [e.value for e in found] == [b"0", b"1"]
    await log.close()


async def test_a_cancelled_append_does_not_hurt_the_others(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    tasks = [asyncio.create_task(log.append("raw", numbered(1))) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [r for r in results[1::2] if r is not None] == []
    assert len(await read_all(log.reader("raw", "r"), 25)) >= 25
    await log.close()


async def test_logs_of_several_event_loops_share_one_writer(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")

    def elsewhere() -> None:
        asyncio.run(log.append("raw", numbered(3)))

    await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(5)))
    assert len(await read_all(log.reader("raw", "r"), 15)) == 15
    await log.close()


def upkeep(log: SqliteLog) -> None:
    """Run retention until it has nothing more to do."""
    connection = log._connect()
    for _ in range(1000):
        with connection:
            if not log._trimmer.step(connection):
                break
    connection.close()


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


async def test_a_closed_log_refuses_readers_too(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    reader = log.reader("raw", "r")
    await reader.read(1, 0)
    await log.close()
    with pytest.raises(LogUnavailable):
        await reader.read(1, 0)
    with pytest.raises(LogUnavailable):
        await reader.commit({0: 1})
