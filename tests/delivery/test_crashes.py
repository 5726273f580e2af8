"""A crash loses nothing: positions, attempts, and events that are kept aside."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

from sojourn.core.outcome import Delivered, Retry
from sojourn.core.ports import Capabilities
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.testing.memory_destination import MemoryDestination

from .deliveries import (
    append,
    dead_letters,
    delivery,
    event,
    in_order,
    killed,
    running,
    until,
)


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
