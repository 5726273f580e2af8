"""The newest entries in memory are the same as those on disk."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Entry
from sojourn.log import SqliteLog
from sojourn.log.tail import Chunk, Tail
from sojourn.testing.log_suite import ManualClock, numbered, read_all


def chunk(first: int, *values: bytes) -> Chunk:
    return Chunk(first, 7, values, sum(map(len, values)))


def offsets(tail: Tail, after: int, max_bytes: int = 1000) -> list[int]:
    return [entry.offset for entry in tail.after("raw", 0, after, max_bytes)]


def test_a_tail_answers_only_for_what_it_has_without_gaps() -> None:
    tail = Tail({})
    assert offsets(tail, 0) == []
    tail.add("raw", 0, chunk(5, b"e", b"f"))
    tail.add("raw", 0, chunk(7, b"g"))
    assert offsets(tail, 3) == [], "4 is not here"
    assert offsets(tail, 4) == [5, 6, 7]
    assert offsets(tail, 5) == [6, 7]
    assert offsets(tail, 7) == []
    assert offsets(tail, 4, max_bytes=2) == [5, 6]
    assert offsets(tail, 4, max_bytes=0) == [5]
    tail.add("raw", 0, chunk(9, b"i"))
    assert offsets(tail, 4) == offsets(tail, 7) == [], "8 came from another process"
    assert offsets(tail, 8) == [9]
    tail.forget("raw", 0, 9)
    assert offsets(tail, 8) == []


def test_a_tail_keeps_only_so_much() -> None:
    tail = Tail({"raw": 4})
    for number in range(1, 101):
        tail.add("raw", 0, chunk(number, bytes(100_000)))
    kept = [n for n in range(100) if offsets(tail, n, 1)]
    assert 15 <= len(kept) <= 2 * 2**20 / 100_000
    assert kept[-1] == 99


async def test_memory_and_disk_say_the_same(tmp_path: Path) -> None:
    clock = ManualClock()
    log = SqliteLog(tmp_path / "log.db", {"raw": 3}, clock=clock)
    for number in range(30):
        clock.now += (-1) ** number * 500
        await log.append("raw", [Entry(f"k{number + n}", b"%d" % n) for n in range(number)])
    from_memory = await read_all(log.reader("raw", "r"), 435)
    await log.close()
    log = SqliteLog(tmp_path / "log.db", clock=clock)
    from_disk = await read_all(log.reader("raw", "r"), 435)
    await log.close()
    key = lambda entry: (entry.partition, entry.offset)  # noqa: E731
    assert sorted(from_memory, key=key) == sorted(from_disk, key=key)


async def test_what_was_not_committed_is_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqliteLog(path)
    reader = log.reader("raw", "r")
    await log.append("raw", numbered(1))
    assert len(await read_all(reader, 1)) == 1
    other = apsw.Connection(str(path))
    other.execute("CREATE TRIGGER no AFTER INSERT ON raw_0 BEGIN SELECT RAISE(ABORT, 'no'); END")
    for _ in range(3):
        with pytest.raises(LogUnavailable):
            await log.append("raw", numbered(1, start=100))
    await reader.commit({0: 1})
    assert list(await reader.read(1000, 0)) == []
    other.execute("DROP TRIGGER no")
    other.close()
    await log.append("raw", numbered(1, start=1))
    assert [entry.value for entry in await read_all(reader, 1)] == [b"1"]
    await log.close()
