"""What the log on NATS keeps, and what it lets go: by readers, age and size."""

from __future__ import annotations

import os
import time

import pytest

from sojourn.core.ports import Entry
from sojourn.log.jetstream.trimming import Trimmer
from sojourn.log.nats_log import NatsLog
from sojourn.log.retention import DAY_MS, Retention
from sojourn.testing.log_suite import ManualClock, last_of, numbered, read_all

from .nats_logs import OpenIt, there


def trimmer(log: NatsLog, retention: Retention, now: int, part_age_ms: int = 0) -> Trimmer:
    connection, bucket, clock = log._connection, log._bucket, ManualClock(now)
    return Trimmer(connection, bucket, retention, clock, lambda: ["raw"], part_age_ms)


async def test_what_a_reader_has_still_to_read_stays_whatever_its_age(open_log: OpenIt) -> None:
    log = open_log()
    for number in range(10):
        await log.append("raw", numbered(1, start=number))
    reader = log.reader("raw", "r")
    found = await read_all(reader, 10)
    await reader.commit(last_of(found[:6]))
    later = int(time.time() * 1000) + 20 * DAY_MS
    retention = Retention(stream_age_ms={"raw": 7 * DAY_MS})
    await log._connection.run(trimmer(log, retention, later, part_age_ms=60_000).step())
    # Parts belong to what was written within a minute: then everything stays.
    assert len(await there(log)) == 10
    keep = trimmer(log, retention, later)
    await log._connection.run(keep.step())
    assert await there(log) == [b"%d" % n for n in range(5, 10)]
    await reader.commit(last_of(found))
    await log._connection.run(keep.step())
    assert await there(log) == [b"9"]
    assert (await reader.lag()).entries == 0


async def test_what_is_young_stays_and_a_forgotten_reader_holds_nothing_up(
    open_log: OpenIt,
) -> None:
    log = open_log()
    for number in range(10):
        await log.append("raw", numbered(1, start=number))
    assert (await log.reader("raw", "asleep").lag()).entries == 10
    now = int(time.time() * 1000)
    young = trimmer(log, Retention(), now)
    await log._connection.run(young.step())
    assert len(await there(log)) == 10
    old = trimmer(log, Retention(max_age_ms=DAY_MS), now + 31 * DAY_MS)
    await log._connection.run(old.step())
    assert await there(log) == [b"9"]


async def test_above_its_size_the_oldest_goes_step_by_step(
    open_log: OpenIt, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log()
    for _ in range(40):
        await log.append("raw", [Entry("k", bytes(50_000))])
    reader = log.reader("raw", "r")
    await reader.commit(last_of((await read_all(reader, 40))[:30]))
    small = trimmer(log, Retention(max_bytes=1_000_000), int(time.time() * 1000))
    rounds = 0
    while await log._connection.run(small.step()):
        rounds += 1
    assert rounds > 2
    assert 15 <= len(await there(log)) <= 20
    tiny = trimmer(log, Retention(max_bytes=1), int(time.time() * 1000))
    while await log._connection.run(tiny.step()):
        pass
    assert len(await there(log)) == 11, "unread entries stay, and the last one that was read"
    assert "since not everything is read" in caplog.text


async def test_a_large_append_is_never_trimmed_to_its_end(open_log: OpenIt) -> None:
    log = open_log()
    value = os.urandom(3_000_000)
    await log.append("raw", [Entry("k", value)])
    await log.append("raw", numbered(1))
    now = int(time.time() * 1000)
    for part_age_ms in (0, 60_000):
        await log._connection.run(trimmer(log, Retention(), now, part_age_ms).step())
    assert await there(log) == [value, b"0"]
    await log.reader("raw", "r").commit({0: 1 << 40})
    await log._connection.run(trimmer(log, Retention(max_bytes=1), now, 60_000).step())
    assert await there(log) == [value, b"0"]
