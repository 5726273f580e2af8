"""The loader: nothing is lost or loaded before its time, and no event stops it."""

from __future__ import annotations

import asyncio
import json

import pytest

from sojourn.core.envelope import DeadLetter, pack_events
from sojourn.core.errors import WarehouseUnavailable
from sojourn.core.ports import EVENTS, Batch, Entry, Loaded
from sojourn.pipeline.loader import Loader


class Tables:
    """Remembers what it was given; fails as it is told."""

    def __init__(self) -> None:
        self.loads: list[list[dict]] = []
        self.errors: list[BaseException] = []
        self.aside: tuple[DeadLetter, ...] = ()
        self.failures = 0
        self.mended = False

    def load(self, batches):
        if self.errors:
            raise self.errors.pop(0)
        events = [json.loads(line) for batch in batches for line in batch.events]
        if any(event.get("poison") for event in events) and not self.mended:
            self.failures += 1
            raise ValueError("poison")
        self.loads.append(events)
        return Loaded(events=len(events), inserted=len(events), aside=self.aside)

    def close(self) -> None: ...

    def ids(self):
        return [event["messageId"] for load in self.loads for event in load]


@pytest.fixture
def tables():
    return Tables()


async def stored(disk, *events):
    lines = [json.dumps(event).encode() for event in events]
    await disk.append(EVENTS, [Entry("k", pack_events(Batch("web", 0, lines)))])


def event(n, **fields):
    return {"messageId": f"m{n}", **fields}


async def until(condition, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_all_events_are_loaded_and_the_position_follows(disk, tables):
    for n in range(30):
        await stored(disk, event(n), event(n + 100))
    loader = Loader(disk, tables, disk, max_bytes=300)
    assert await loader.drain() == 60
    assert len(tables.ids()) == len(set(tables.ids())) == 60
    assert disk.positions[EVENTS, "warehouse"] == 30
    assert loader.counts.events == 60


async def test_an_event_after_a_pause_is_loaded_at_once(disk, tables):
    loader, stop = Loader(disk, tables, disk, interval_s=60), asyncio.Event()
    running = asyncio.create_task(loader.run(stop))
    await stored(disk, event(0))
    await until(tables.ids, seconds=1.5)
    stop.set()
    await running


async def test_a_trickle_is_loaded_once_an_interval(disk, tables):
    loader, stop = Loader(disk, tables, disk, interval_s=0.6), asyncio.Event()
    running = asyncio.create_task(loader.run(stop))
    for n in range(100):
        await stored(disk, event(n))
        await asyncio.sleep(0.01)
    await until(lambda: len(tables.ids()) == 100)
    stop.set()
    await running
    assert len(tables.loads) <= 4


async def test_enough_bytes_do_not_wait_for_the_interval(disk, tables):
    loader, stop = Loader(disk, tables, disk, interval_s=60, max_bytes=2000), asyncio.Event()
    running = asyncio.create_task(loader.run(stop))
    for n in range(200):
        await stored(disk, event(n, text="x" * 100))
    await until(lambda: len(tables.ids()) >= 150)
    stop.set()
    await running


async def test_a_warehouse_that_is_away_is_waited_for(disk, tables):
    tables.errors = [WarehouseUnavailable("disk full"), WarehouseUnavailable("disk full")]
    loader, stop = Loader(disk, tables, disk), asyncio.Event()
    await stored(disk, event(0))
    running = asyncio.create_task(loader.run(stop))
    await until(lambda: disk.positions)
    stop.set()
    await running
    assert tables.ids() == ["m0"]


async def test_a_stop_is_obeyed_while_the_warehouse_is_away_and_nothing_is_committed(disk, tables):
    tables.errors = [WarehouseUnavailable("away")] * 1000
    loader, stop = Loader(disk, tables, disk), asyncio.Event()
    await stored(disk, event(0))
    running = asyncio.create_task(loader.run(stop))
    await until(lambda: len(tables.errors) < 1000)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert disk.positions == {}


async def test_an_event_that_breaks_the_load_is_found_and_buried(disk, tables):
    for n in range(20):
        await stored(disk, event(n, poison=n in (3, 17)), event(100 + n))
    loader = Loader(disk, tables, disk)
    assert await loader.drain() == 40
    assert len(tables.ids()) == len(set(tables.ids())) == 38
    buried = disk.dead()
    assert [json.loads(letter.event)["messageId"] for letter in buried] == ["m3", "m17"]
    assert {letter.reason for letter in buried} == {"ValueError: poison"}
    assert {letter.stage for letter in buried} == {"warehouse"}
    assert loader.counts.aside == 2


async def test_if_no_event_can_be_loaded_none_is_buried_and_the_loader_waits(disk, tables):
    for n in range(3):
        await stored(disk, *[event(1000 * n + m, poison=True) for m in range(100)])
    loader, stop = Loader(disk, tables, disk), asyncio.Event()
    running = asyncio.create_task(loader.run(stop))
    await until(lambda: tables.failures > 220)
    assert disk.dead() == []
    assert disk.positions == {}
    tables.mended = True
    await until(lambda: disk.positions)
    stop.set()
    await running
    assert len(tables.ids()) == 300


async def test_what_the_tables_put_aside_is_buried(disk, tables):
    letter = DeadLetter("web", 0, "warehouse", "context is not a map", b"{}")
    tables.aside = (letter,)
    await stored(disk, event(0))
    await Loader(disk, tables, disk).drain()
    assert disk.dead() == [letter]


@pytest.mark.parametrize("step", [("before", "commit"), ("before", "append dead")])
async def test_a_crash_before_the_commit_loads_again(disk, tables, killed, step):
    tables.aside = (DeadLetter("web", 0, "warehouse", "why", b"{}"),)
    await stored(disk, event(0))
    disk.kill = step
    with pytest.raises(killed):
        await Loader(disk, tables, disk).drain()
    await Loader(disk, tables, disk).drain()
    assert tables.ids() == ["m0", "m0"]
    assert disk.dead()
