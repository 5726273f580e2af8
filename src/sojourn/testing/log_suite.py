"""The suite that every adapter of `EventLog` passes.

Subclass `EventLogSuite`, give it a fixture `open_log`, and pytest (with pytest-asyncio in
auto mode) runs the promises of `sojourn.core.ports.EventLog` against your log:

    class TestMyLog(EventLogSuite):
        @pytest.fixture
        def open_log(self, tmp_path):
            return lambda partitions=None, clock=None: MyLog(tmp_path, partitions, clock)
"""

# ruff: noqa: D102 - the names of the tests say what they promise.

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.core.ports import Entry
from sojourn.testing.log_steps import (
    PATIENCE_S,
    PLENTY,
    ManualClock,
    OpenLog,
    last_of,
    numbered,
    opened,
    read_all,
)

__all__ = ["EventLogSuite", "ManualClock", "OpenLog", "last_of", "numbered", "opened", "read_all"]


class EventLogSuite:
    """What an `EventLog` promises. Set `durable` or `keeps_clock` to False where it does not."""

    durable: ClassVar[bool] = True
    """What was appended and committed is there when the log is opened again."""
    keeps_clock: ClassVar[bool] = True
    """`appended_at` comes from the clock given to `open_log`."""

    async def test_entries_come_back_as_they_were_in_order(self, open_log: OpenLog) -> None:
        values = [b"", b"a\nb", b"\x00\xff\xfe", "ü€😀".encode(), b"x" * 300_000, b"last"]
        async with opened(open_log) as log:
            await log.append("raw", [Entry("k", value) for value in values])
            found = await read_all(log.reader("raw", "r"), len(values))
        assert [entry.value for entry in found] == values

    async def test_offsets_grow_within_a_partition(self, open_log: OpenLog) -> None:
        async with opened(open_log, partitions={"raw": 3}) as log:
            for number in range(30):
                await log.append("raw", [Entry(f"key-{number}", b"v")])
            found = await read_all(log.reader("raw", "r"), 30, max_bytes=5)
        offsets: Mapping[int, list[int]] = defaultdict(list)
        for entry in found:
            offsets[entry.partition].append(entry.offset)
        assert len(offsets) > 1
        for seen in offsets.values():
            assert seen == sorted(set(seen))

    async def test_entries_of_one_key_keep_their_order(self, open_log: OpenLog) -> None:
        async with opened(open_log, partitions={"raw": 4}) as log:
            for number in range(20):
                await log.append("raw", [Entry(f"p{p}", b"p%d:%d" % (p, number)) for p in range(7)])
            found = await read_all(log.reader("raw", "r"), 140)
        for person in range(7):
            mine = [e for e in found if e.value.startswith(b"p%d:" % person)]
            assert [e.value for e in mine] == [b"p%d:%d" % (person, n) for n in range(20)]
            assert len({e.partition for e in mine}) == 1

    async def test_many_writers_lose_and_double_nothing(self, open_log: OpenLog) -> None:
        async with opened(open_log, partitions={"raw": 2}) as log:
            await asyncio.gather(
                *(log.append("raw", numbered(3, f"k{n}", start=3 * n)) for n in range(200))
            )
            found = await read_all(log.reader("raw", "r"), 600)
            assert await log.reader("raw", "r").read(PLENTY, 0) != []
        assert sorted(int(entry.value) for entry in found) == list(range(600))

    async def test_streams_are_apart(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            await log.append("raw", [Entry("k", b"raw")])
            await log.append("dead", [Entry("k", b"dead")])
            found = await read_all(log.reader("dead", "r"), 1)
            assert [entry.value for entry in found] == [b"dead"]

    async def test_appending_nothing_is_fine(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            await log.append("raw", [])
            assert list(await log.reader("raw", "r").read(PLENTY, 0)) == []

    async def test_a_stream_nobody_wrote_to_is_empty(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            reader = log.reader("events", "r")
            assert list(await reader.read(PLENTY, 0)) == []
            assert (await reader.lag()).entries == 0

    async def test_a_read_stays_within_its_bytes(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            await log.append("raw", [Entry("k", b"x" * 100) for _ in range(50)])
            reader = log.reader("raw", "r")
            sizes: list[int] = []
            while sum(sizes) < 50:
                sizes.append(len(await reader.read(1000, 5)))
            assert all(0 < size <= 10 for size in sizes)

    async def test_an_entry_larger_than_the_bytes_comes_alone(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            await log.append("raw", [Entry("k", b"x" * 5000), Entry("k", b"y" * 5000)])
            reader = log.reader("raw", "r")
            assert [e.value[:1] for e in await reader.read(10, 5)] == [b"x"]
            assert [e.value[:1] for e in await reader.read(10, 5)] == [b"y"]

    async def test_readers_do_not_disturb_each_other(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            await log.append("raw", numbered(10))
            one, other = log.reader("raw", "one"), log.reader("raw", "other")
            first = await read_all(one, 10)
            await one.commit(last_of(first))
            assert (await one.lag()).entries == 0
            assert (await other.lag()).entries == 10
            assert len(await read_all(other, 10)) == 10

    async def test_a_reader_goes_on_from_its_commit_not_from_its_read(
        self, open_log: OpenLog
    ) -> None:
        async with opened(open_log) as log:
            await log.append("raw", numbered(10))
            reader = log.reader("raw", "r")
            found = await read_all(reader, 10)
            await reader.commit(last_of(found[:4]))
            again = await read_all(log.reader("raw", "r"), 6)
        assert [entry.value for entry in again] == [b"%d" % n for n in range(4, 10)]

    async def test_a_commit_covers_only_its_partitions(self, open_log: OpenLog) -> None:
        async with opened(open_log, partitions={"raw": 3}) as log:
            await log.append("raw", [Entry(f"key-{n}", b"%d" % n) for n in range(60)])
            reader = log.reader("raw", "r")
            found = await read_all(reader, 60)
            done = found[0].partition
            await reader.commit(last_of([e for e in found if e.partition == done]))
            left = [e for e in found if e.partition != done]
            again = await read_all(log.reader("raw", "r"), len(left))
            lag = await log.reader("raw", "r").lag()
        assert {e.value for e in again} == {e.value for e in left}
        assert lag.entries == len(left)

    async def test_a_waiting_reader_hears_of_an_append_at_once(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            reader = log.reader("raw", "r")
            assert list(await reader.read(PLENTY, 0)) == []
            waits = []
            for number in range(5):
                reading = asyncio.create_task(reader.read(PLENTY, PATIENCE_S))
                await asyncio.sleep(0.02)
                await log.append("raw", numbered(1, start=number))
                start = time.monotonic()
                assert [e.value for e in await reading] == [b"%d" % number]
                waits.append(time.monotonic() - start)
        assert min(waits) < 0.05

    async def test_a_read_of_nothing_ends_after_its_wait(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            reader = log.reader("raw", "r")
            await reader.read(PLENTY, 0)
            start = time.monotonic()
            assert list(await reader.read(PLENTY, 0.2)) == []
            assert 0.15 < time.monotonic() - start < 5

    async def test_a_cancelled_read_loses_nothing(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            reader = log.reader("raw", "r")
            await reader.read(PLENTY, 0)
            reading = asyncio.create_task(reader.read(PLENTY, PATIENCE_S))
            await asyncio.sleep(0.02)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await log.append("raw", numbered(3))
            assert len(await read_all(reader, 3)) == 3

    async def test_a_new_reader_starts_at_the_time_it_asked_for(self, open_log: OpenLog) -> None:
        clock = ManualClock()
        async with opened(open_log, partitions={"raw": 2}, clock=clock) as log:
            times = []
            for number in range(20):
                clock.now += 1000
                await log.append("raw", numbered(2, f"k{number}", start=2 * number))
                times.append(clock.now_ms())
            if self.keeps_clock:
                found = await read_all(log.reader("raw", "r", since=times[15]), 10)
                assert sorted(int(e.value) for e in found) == list(range(30, 40))
                assert {e.appended_at for e in found} == set(times[15:])
            late = log.reader("raw", "late", since=times[-1] + 10**12)
            assert list(await late.read(PLENTY, 0)) == []
            await log.append("raw", numbered(1, start=99))
            assert [e.value for e in await read_all(late, 1)] == [b"99"]

    async def test_a_committed_position_counts_more_than_since(self, open_log: OpenLog) -> None:
        async with opened(open_log) as log:
            await log.append("raw", numbered(5))
            reader = log.reader("raw", "r")
            await reader.commit(last_of((await read_all(reader, 5))[:2]))
            again = await read_all(log.reader("raw", "r", since=2**45), 3)
        assert [entry.value for entry in again] == [b"2", b"3", b"4"]

    async def test_a_reader_without_a_name_keeps_no_position(self, open_log: OpenLog) -> None:
        async with opened(open_log, partitions={"raw": 2}) as log:
            await log.append("raw", [Entry(f"k{n}", b"%d" % n) for n in range(10)])
            reader = log.reader("raw", "")
            found = await read_all(reader, 10)
            try:
                await reader.commit(last_of(found))
            except InvalidSettings:
                pass
            else:
                raise AssertionError("a reader without a name committed")
            again = log.reader("raw", "")
            assert len(await read_all(again, 10)) == 10
            assert list(await again.read(PLENTY, 0)) == []

    async def test_the_lag_of_a_reader_without_a_name_is_what_it_has_not_read(
        self, open_log: OpenLog
    ) -> None:
        async with opened(open_log) as log:
            await log.append("raw", numbered(10))
            reader = log.reader("raw", "")
            assert (await reader.lag()).entries == 10
            assert len(await reader.read(1, 5)) == 1
            assert (await reader.lag()).entries == 9
            await read_all(reader, 9)
            assert (await reader.lag()).entries == 0

    async def test_a_reader_without_a_name_starts_at_the_time_it_asked_for(
        self, open_log: OpenLog
    ) -> None:
        clock = ManualClock()
        async with opened(open_log, clock=clock) as log:
            await log.append("raw", numbered(3))
            clock.now += 1000
            await log.append("raw", numbered(2, start=3))
            if self.keeps_clock:
                found = await read_all(log.reader("raw", "", since=clock.now), 2)
                assert [entry.value for entry in found] == [b"3", b"4"]

    async def test_lag_counts_entries_and_the_age_of_the_oldest(self, open_log: OpenLog) -> None:
        clock = ManualClock()
        async with opened(open_log, clock=clock) as log:
            reader = log.reader("raw", "r")
            await log.append("raw", numbered(4))
            clock.now += 7000
            await log.append("raw", numbered(2))
            lag = await reader.lag()
            assert lag.entries == 6
            if self.keeps_clock:
                assert lag.seconds == 7.0
            await reader.commit(last_of(await read_all(reader, 6)))
            assert await reader.lag() == type(lag)(0, 0.0)

    async def test_what_was_appended_and_committed_outlives_the_log(
        self, open_log: OpenLog
    ) -> None:
        if not self.durable:
            return
        async with opened(open_log, partitions={"raw": 2}) as log:
            await log.append("raw", [Entry(f"k{n}", b"%d" % n) for n in range(10)])
            reader = log.reader("raw", "r")
            found = await read_all(reader, 10)
            await reader.commit(last_of(found[:6]))
        async with opened(open_log, partitions={"raw": 2}) as log:
            await log.append("raw", [Entry("k", b"10")])
            again = await read_all(log.reader("raw", "r"), 5)
            whole = await read_all(log.reader("raw", "another"), 11)
        assert {e.value for e in again} == {e.value for e in found[6:]} | {b"10"}
        assert len({(e.partition, e.offset) for e in whole}) == 11

    async def test_a_closed_log_refuses_and_closes_again(self, open_log: OpenLog) -> None:
        log = open_log()
        await log.append("raw", numbered(1))
        await log.close()
        await log.close()
        try:
            await log.append("raw", numbered(1))
        except LogUnavailable:
            return
        raise AssertionError("a closed log took an entry")

    async def test_closing_waits_for_appends_that_were_accepted(self, open_log: OpenLog) -> None:
        log = open_log()
        await log.append("raw", numbered(1))
        under_way = [asyncio.create_task(log.append("raw", numbered(1))) for _ in range(50)]
        await asyncio.sleep(0)
        await log.close()
        outcomes = await asyncio.gather(*under_way, return_exceptions=True)
        assert all(it is None or isinstance(it, LogUnavailable) for it in outcomes)
        assert outcomes.count(None) > 0
