"""What a delivery promises: nothing lost, order per person, a slow far end harms no other."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.core.envelope import pack_events
from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry
from sojourn.core.ports import EVENTS, Batch, Capabilities, Entry
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.testing.memory_destination import MemoryDestination

from .deliveries import (
    NOW,
    append,
    dead_letters,
    delivery,
    event,
    in_order,
    running,
    until,
)


async def test_every_event_arrives_once_and_in_order_per_person(log: Any, state: Any) -> None:
    names = [(person, number) for number in range(20) for person in range(7)]
    await append(log, [event(*name) for name in names])
    far = MemoryDestination()
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert Counter(far.got) == Counter(f"{person}-{number}" for person, number in names)
    assert in_order(far.got)
    assert far.closed
    assert under_test.stats.delivered == len(names)


async def test_a_restart_goes_on_where_the_last_run_ended(log: Any, state: Any) -> None:
    await append(log, [event(1, number) for number in range(5)])
    first = MemoryDestination()
    async with running(delivery(first, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    await append(log, [event(1, 5)])
    second = MemoryDestination()
    async with running(delivery(second, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert second.got == ["1-5"]


async def test_a_failing_event_holds_back_its_own_person_and_nobody_else(
    log: Any, state: Any
) -> None:
    fail = {"1-0"}
    far = MemoryDestination(
        lambda e: Retry("HTTP 500: x") if e["messageId"] in fail else Delivered(),
        Capabilities(max_events=1),
    )
    await append(log, [event(person, number) for number in range(3) for person in (1, 2)])
    async with running(delivery(far, log, state)) as under_test:
        await until(lambda: under_test.stats.retried >= 2 and len(far.got) == 3)
        assert far.got == ["2-0", "2-1", "2-2"]
        fail.clear()
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got[3:] == ["1-0", "1-1", "1-2"]


async def test_events_of_one_person_never_are_in_two_calls(log: Any, state: Any) -> None:
    under_way: set[str] = set()
    overlaps: list[str] = []

    class Slow(MemoryDestination):
        async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
            people = {one["anonymousId"] for one in batch}
            overlaps.extend(people & under_way)
            under_way.update(people)
            await asyncio.sleep(0.001)
            under_way.difference_update(people)
            return await super().deliver(batch)

    far = Slow(capabilities=Capabilities(max_events=3))
    await append(log, [event(person, number) for number in range(20) for person in range(4)])
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert not overlaps
    assert in_order(far.got)


async def test_what_the_far_end_refuses_is_among_the_dead_letters(log: Any, state: Any) -> None:
    far = MemoryDestination(
        lambda e: Rejected("HTTP 400: no name") if e["messageId"] == "1-1" else Delivered()
    )
    await append(log, [event(1, number) for number in range(3)])
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got == ["1-0", "1-2"]
    assert under_test.stats.rejected == {"HTTP 400": 1}
    (letter,) = await dead_letters(log)
    assert letter.stage == "far"
    assert letter.reason == "HTTP 400: no name"
    assert letter.source_id == "web"
    assert json.loads(letter.event)["messageId"] == "1-1"


async def test_an_event_is_given_up_after_tries_and_age_and_then_its_person_goes_on(
    log: Any, state: Any
) -> None:
    settings = DeliverySettings(
        backoff_first=0.01, backoff_most=0.02, give_up_after=0.05, give_up_tries=3
    )
    far = MemoryDestination(lambda e: Retry("HTTP 503") if e["messageId"] == "1-0" else Delivered())
    await append(log, [event(1, 0), event(1, 1), event(2, 0)])
    async with running(delivery(far, log, state, settings)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert set(far.got) == {"1-1", "2-0"}
    (letter,) = await dead_letters(log)
    assert letter.reason.startswith("gave up: ")
    assert "HTTP 503" in letter.reason


async def test_retry_after_is_honoured(log: Any, state: Any) -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    def answer(_: Mapping[str, Any]) -> Outcome:
        times.append(loop.time())
        return Retry("HTTP 429", after=0.3) if len(times) == 1 else Delivered()

    far = MemoryDestination(answer)
    await append(log, [event(1, 0)])
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert times[1] - times[0] >= 0.3


async def test_a_far_end_that_is_down_is_asked_now_and_then_only(log: Any, state: Any) -> None:
    settings = DeliverySettings(backoff_first=0.2, backoff_most=0.2, concurrency=4)
    down = True
    far = MemoryDestination(lambda e: Retry("no answer") if down else Delivered())
    await append(log, [event(person, 0) for person in range(100)])
    async with running(delivery(far, log, state, settings)) as under_test:
        await until(lambda: under_test.stats.down)
        await asyncio.sleep(0)
        calls = len(far.calls)
        await asyncio.sleep(0.5)
        assert len(far.calls) - calls <= 6
        down = False
        await asyncio.wait_for(under_test.drain(), 10)
    assert not under_test.stats.down
    assert Counter(far.got) == Counter(f"{person}-0" for person in range(100))


async def test_a_call_that_is_refused_as_a_whole_is_tried_event_by_event(
    log: Any, state: Any
) -> None:
    class OneBad(MemoryDestination):
        async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
            await super().deliver([])
            self.calls[-1] = [one["messageId"] for one in batch]
            if not any(one["messageId"] == "1-1" for one in batch):
                self.got += self.calls[-1]
                return [Delivered()] * len(batch)
            if len(batch) == 1:
                return [Rejected("HTTP 400")]
            return [Retry("HTTP 400", alone=True)] * len(batch)

    far = OneBad()
    await append(log, [event(1, number) for number in range(4)] + [event(2, 0)])
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert Counter(far.got) == Counter(["1-0", "1-2", "1-3", "2-0"])
    assert in_order(far.got)
    assert len(await dead_letters(log)) == 1


async def test_a_far_end_that_raises_is_tried_again(log: Any, state: Any, caplog: Any) -> None:
    class Broken(MemoryDestination):
        async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
            if not self.calls:
                self.calls.append([])
                raise RuntimeError("a bug")
            return await super().deliver(batch)

    far = Broken()
    await append(log, [event(1, 0)])
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got == ["1-0"]


async def test_a_stop_finishes_the_calls_under_way(log: Any, state: Any) -> None:
    started = asyncio.Event()

    class Slow(MemoryDestination):
        async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
            started.set()
            await asyncio.sleep(0.1)
            return await super().deliver(batch)

    far = Slow()
    await append(log, [event(1, 0)])
    async with running(delivery(far, log, state)):
        await started.wait()
    assert far.got == ["1-0"]
    again = MemoryDestination()
    async with running(delivery(again, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert again.got == []


async def test_what_is_no_event_ends_among_the_dead_letters(log: Any, state: Any) -> None:
    await log.append(EVENTS, [Entry("k", pack_events(Batch("web", NOW, [b"[1]", b"{nonsense"])))])
    await append(log, [event(1, 0)])
    far = MemoryDestination()
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got == ["1-0"]
    assert sorted(letter.event for letter in await dead_letters(log)) == [b"[1]", b"{nonsense"]


async def test_the_rate_is_kept(log: Any, state: Any) -> None:
    await append(log, [event(person, 0) for person in range(30)])
    far = MemoryDestination(capabilities=Capabilities(max_events=5))
    loop = asyncio.get_running_loop()
    start = loop.time()
    settings = DeliverySettings(events_per_second=100)
    async with running(delivery(far, log, state, settings)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert loop.time() - start >= 0.25
