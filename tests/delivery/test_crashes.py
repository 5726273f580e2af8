"""A crash loses nothing: positions, attempts, and events that are kept aside."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sojourn.core.envelope import pack_events, unpack_dead
from sojourn.core.outcome import Delivered, Retry
from sojourn.core.ports import DEAD, EVENTS, Batch, Capabilities, Entry
from sojourn.log.clock import WallClock
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.testing.memory_destination import MemoryDestination

FAST = DeliverySettings(backoff_first=0.02, backoff_most=0.1, stop_within=5)
NOW = 1_780_000_000_000


def event(person: int, number: int, **more: Any) -> bytes:
    body = {
        "type": "track",
        "event": "Clicked",
        "messageId": f"{person}-{number}",
        "anonymousId": f"p{person}",
        **more,
    }
    return json.dumps(body).encode()


async def append(log: Any, events: Sequence[bytes], source: str = "web") -> None:
    for one in events:
        key = str(json.loads(one).get("anonymousId"))
        await log.append(EVENTS, [Entry(key, pack_events(Batch(source, NOW, [one])))])


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(delivery: Delivery) -> AsyncIterator[Delivery]:
    stop = asyncio.Event()
    task = asyncio.create_task(delivery.run(stop))
    try:
        yield delivery
    finally:
        stop.set()
        await task


@asynccontextmanager
async def killed(delivery: Delivery) -> AsyncIterator[Delivery]:
    """Runs the delivery and then drops it without any goodbye."""
    task = asyncio.create_task(delivery.run(asyncio.Event()))
    try:
        yield delivery
    finally:
        delivery._flush = _nothing  # type: ignore[method-assign]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _nothing() -> None:
    return


def delivery(far: Any, log: Any, state: Any, settings: DeliverySettings = FAST) -> Delivery:
    return Delivery("far", far, log, state, WallClock(), settings)


async def dead_letters(log: Any) -> list[Any]:
    reader = log.reader(DEAD, "test")
    found: list[Any] = []
    while entries := await reader.read(1 << 20, 0.01):
        found += [unpack_dead(entry.value) for entry in entries]
    return found


def in_order(got: Sequence[str]) -> bool:
    last: dict[str, int] = {}
    for name in dict.fromkeys(got):
        person, number = name.split("-")
        if int(number) < last.get(person, -1):
            return False
        last[person] = int(number)
    return True


async def test_attempts_survive_a_crash(log: Any, state: Any) -> None:
    settings = DeliverySettings(backoff_first=0.01, backoff_most=0.02, give_up_after=3600)
    far = MemoryDestination(lambda e: Retry("HTTP 500"))
    await append(log, [event(1, 0)])
    async with killed(delivery(far, log, state, settings)) as under_test:
        await until(lambda: under_test.stats.retried >= 4)
        await until(lambda: _tries(state) >= 3)
    before = _tries(state)
    impatient = DeliverySettings(
        backoff_first=0.01, backoff_most=0.02, give_up_after=0, give_up_tries=before + 1
    )
    again = MemoryDestination(lambda e: Retry("HTTP 500"))
    async with running(delivery(again, log, state, impatient)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert len(again.calls) == 1
    assert len(await dead_letters(log)) == 1


def _tries(state: Any) -> int:
    raw = state.get("delivery.far", ["state"]).get("state", b'{"attempts": {}}')
    return max((tries for tries, _ in json.loads(raw)["attempts"].values()), default=0)


async def test_people_who_wait_are_kept_aside_so_that_the_window_stays_open(
    log: Any, state: Any
) -> None:
    settings = DeliverySettings(backoff_first=30, backoff_most=30, window_events=10)
    far = MemoryDestination(
        lambda e: Retry("HTTP 500") if e["anonymousId"] == "p1" else Delivered()
    )
    events = [event(1, number) for number in range(30)] + [event(2, n) for n in range(40)]
    await append(log, events)
    async with running(delivery(far, log, state, settings)) as under_test:
        await until(lambda: Counter(far.got).total() >= 40)
        assert under_test.stats.parked >= 20
        assert set(far.got) == {f"2-{n}" for n in range(40)}
    healed = MemoryDestination()
    async with running(delivery(healed, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert healed.got == [f"1-{number}" for number in range(30)]
    assert state.get("delivery.far", ["page.0", "page.1"]) == {}


async def test_a_crash_repeats_at_most_what_was_not_recorded(log: Any, state: Any) -> None:
    names = [(person, number) for number in range(40) for person in range(5)]
    await append(log, [event(*name) for name in names])
    got: list[str] = []
    for _ in range(4):
        far = MemoryDestination(capabilities=Capabilities(max_events=7))
        far.got = got
        async with killed(delivery(far, log, state)):
            count = len(got)
            await until(lambda count=count: len(got) > count + 20 or len(set(got)) == len(names))
    far = MemoryDestination()
    far.got = got
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert set(got) == {f"{person}-{number}" for person, number in names}
    assert in_order(got)
