"""What the SQLite log promises beyond the port: processes, files, retention, failures."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.core.ports import Entry
from sojourn.log import MemoryLog, SqliteLog
from sojourn.testing.log_suite import numbered, read_all

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


async def test_a_closed_log_refuses_readers_too(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    reader = log.reader("raw", "r")
    await reader.read(1, 0)
    await log.close()
    with pytest.raises(LogUnavailable):
        await reader.read(1, 0)
    with pytest.raises(LogUnavailable):
        await reader.commit({0: 1})
