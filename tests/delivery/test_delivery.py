"""What a delivery promises: nothing lost, order per person, a slow far end harms no other."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sojourn.core.envelope import pack_events, unpack_dead
from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry
from sojourn.core.ports import DEAD, EVENTS, Batch, Capabilities, Entry
from sojourn.log.clock import WallClock
from sojourn.log.memory_log import MemoryLog
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings

FAST = DeliverySettings(backoff_first=0.02, backoff_most=0.1, stop_within=5)
NOW = 1_780_000_000_000
FIFTY = Capabilities(max_events=50)


class FarEnd:
    """A destination in memory that answers as it is told."""

    def __init__(
        self,
        answer: Callable[[Mapping[str, Any]], Outcome] = lambda event: Delivered(),
        capabilities: Capabilities = FIFTY,
    ) -> None:
        self.answer = answer
        self.capabilities = capabilities
        self.calls: list[list[str]] = []
        self.got: list[str] = []
        self.seen: list[Mapping[str, Any]] = []
        self.closed = False

    async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
        self.calls.append([event["messageId"] for event in batch])
        await asyncio.sleep(0)
        outcomes = [self.answer(event) for event in batch]
        for event, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Delivered):
                self.got.append(event["messageId"])
                self.seen.append(event)
        return outcomes

    async def forget(self, users: Sequence[Mapping[str, Any]]) -> Outcome:
        return Delivered()

    async def close(self) -> None:
        self.closed = True


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


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    opened = SqliteLog(tmp_path / "log.db", {EVENTS: 2})
    yield opened
    await opened.close()


@pytest.fixture
def state(tmp_path: Path) -> Any:
    store = SqliteStateStore(tmp_path / "state.db", WallClock())
    yield store
    store.close()


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


async def test_every_event_arrives_once_and_in_order_per_person(log: Any, state: Any) -> None:
    names = [(person, number) for number in range(20) for person in range(7)]
    await append(log, [event(*name) for name in names])
    far = FarEnd()
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert Counter(far.got) == Counter(f"{person}-{number}" for person, number in names)
    assert in_order(far.got)
    assert far.closed
    assert under_test.stats.delivered == len(names)


async def test_a_restart_goes_on_where_the_last_run_ended(log: Any, state: Any) -> None:
    await append(log, [event(1, number) for number in range(5)])
    first = FarEnd()
    async with running(delivery(first, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    await append(log, [event(1, 5)])
    second = FarEnd()
    async with running(delivery(second, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert second.got == ["1-5"]


async def test_a_failing_event_holds_back_its_own_person_and_nobody_else(
    log: Any, state: Any
) -> None:
    fail = {"1-0"}
    far = FarEnd(lambda e: Retry("HTTP 500: x") if e["messageId"] in fail else Delivered())
    await append(log, [event(person, number) for number in range(3) for person in (1, 2)])
    async with running(delivery(far, log, state)) as under_test:
        await until(lambda: {"2-0", "2-1", "2-2"} <= set(far.got))
        await until(lambda: under_test.stats.retried >= 2)
        assert not any(name.startswith("1-") for name in far.got if name == "1-0")
        fail.clear()
        await asyncio.wait_for(under_test.drain(), 10)
    assert in_order([name for name in far.got if name != "1-0"] or [])
    assert Counter(far.got)["1-0"] == 1


async def test_events_of_one_person_never_are_in_two_calls(log: Any, state: Any) -> None:
    under_way: set[str] = set()
    overlaps: list[str] = []

    class Slow(FarEnd):
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
    far = FarEnd(
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
    far = FarEnd(lambda e: Retry("HTTP 503") if e["messageId"] == "1-0" else Delivered())
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

    far = FarEnd(answer)
    await append(log, [event(1, 0)])
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert times[1] - times[0] >= 0.3


async def test_attempts_survive_a_crash(log: Any, state: Any) -> None:
    settings = DeliverySettings(backoff_first=0.01, backoff_most=0.02, give_up_after=3600)
    far = FarEnd(lambda e: Retry("HTTP 500"))
    await append(log, [event(1, 0)])
    async with killed(delivery(far, log, state, settings)) as under_test:
        await until(lambda: under_test.stats.retried >= 4)
        await until(lambda: _tries(state) >= 3)
    before = _tries(state)
    impatient = DeliverySettings(
        backoff_first=0.01, backoff_most=0.02, give_up_after=0, give_up_tries=before + 1
    )
    again = FarEnd(lambda e: Retry("HTTP 500"))
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
    far = FarEnd(lambda e: Retry("HTTP 500") if e["anonymousId"] == "p1" else Delivered())
    events = [event(1, number) for number in range(30)] + [event(2, n) for n in range(40)]
    await append(log, events)
    async with running(delivery(far, log, state, settings)) as under_test:
        await until(lambda: Counter(far.got).total() >= 40)
        assert under_test.stats.parked >= 20
        assert set(far.got) == {f"2-{n}" for n in range(40)}
    healed = FarEnd()
    async with running(delivery(healed, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert healed.got == [f"1-{number}" for number in range(30)]
    assert state.get("delivery.far", ["page.0", "page.1"]) == {}


async def test_a_far_end_that_is_down_is_asked_now_and_then_only(log: Any, state: Any) -> None:
    settings = DeliverySettings(backoff_first=0.2, backoff_most=0.2, concurrency=4)
    down = True
    far = FarEnd(lambda e: Retry("no answer") if down else Delivered())
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
    class OneBad(FarEnd):
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
    class Broken(FarEnd):
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

    class Slow(FarEnd):
        async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
            started.set()
            await asyncio.sleep(0.1)
            return await super().deliver(batch)

    far = Slow()
    await append(log, [event(1, 0)])
    async with running(delivery(far, log, state)):
        await started.wait()
    assert far.got == ["1-0"]
    again = FarEnd()
    async with running(delivery(again, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert again.got == []


async def test_a_crash_repeats_at_most_what_was_not_recorded(log: Any, state: Any) -> None:
    names = [(person, number) for number in range(40) for person in range(5)]
    await append(log, [event(*name) for name in names])
    got: list[str] = []
    for _ in range(4):
        far = FarEnd(capabilities=Capabilities(max_events=7))
        far.got = got
        async with killed(delivery(far, log, state)):
            count = len(got)
            await until(lambda count=count: len(got) > count + 20 or len(set(got)) == len(names))
    far = FarEnd()
    far.got = got
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert set(got) == {f"{person}-{number}" for person, number in names}
    assert in_order(got)


@pytest.mark.parametrize(
    ("settings", "expected", "reason"),
    [
        (DeliverySettings(sources=("other",)), [], "source"),
        (DeliverySettings(allow=("Clicked",)), ["1-0"], "allow list"),
        (DeliverySettings(allow=("page",)), ["1-1"], "allow list"),
        (DeliverySettings(deny=("Clicked",)), ["1-1", "1-2", "1-3"], "deny list"),
        (DeliverySettings(consent=("ads",)), ["1-0", "1-1", "1-3"], "consent"),
        (DeliverySettings(sample=0), [], "sampling"),
    ],
)
async def test_filters_leave_events_out_and_say_which(
    state: Any, settings: DeliverySettings, expected: list[str], reason: str
) -> None:
    log = MemoryLog()
    refused = {"consentManagement": {"deniedConsentIds": ["ads"]}}
    await append(
        log,
        [
            event(1, 0),
            event(1, 1, type="page", event=None),
            event(1, 2, event="Bought", context=refused),
            event(1, 3, event="Seen", context="not an object"),
        ],
    )
    far = FarEnd()
    async with running(delivery(far, log, state, settings)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got == expected
    assert under_test.stats.filtered == {reason: 4 - len(expected)}


async def test_the_integrations_of_an_event_are_followed(state: Any) -> None:
    log = MemoryLog()
    choices = [{"All": True}, {"All": False}, {"All": False, "FAR": True}, {"far": False}, {}]
    await append(log, [event(1, n, integrations=one) for n, one in enumerate(choices)])
    far = FarEnd()
    far.integration_names = ("Far",)  # type: ignore[attr-defined]
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got == ["1-0", "1-2", "1-4"]


async def test_sampling_takes_all_events_of_the_same_people(state: Any) -> None:
    log = MemoryLog()
    await append(log, [event(person, number) for person in range(200) for number in range(2)])
    taken = []
    for _ in range(2):
        far = FarEnd()
        async with running(
            Delivery(f"far{len(taken)}", far, log, state, WallClock(), DeliverySettings(sample=0.5))
        ) as under_test:
            await asyncio.wait_for(under_test.drain(), 10)
        taken.append(sorted(far.got))
    assert taken[0] == taken[1]
    people = Counter(name.split("-")[0] for name in taken[0])
    assert set(people.values()) == {2}
    assert 60 < len(people) < 140


async def test_masked_values_never_leave(state: Any) -> None:
    log = MemoryLog()
    await append(log, [event(1, 0, context={"traits": {"email": "a@b.c", "plan": "pro"}})])
    far = FarEnd()
    settings = DeliverySettings(mask=("context.traits.email", "properties.card"))
    async with running(delivery(far, log, state, settings)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.seen[0]["context"]["traits"] == {"email": "***", "plan": "pro"}


async def test_what_is_no_event_ends_among_the_dead_letters(log: Any, state: Any) -> None:
    await log.append(EVENTS, [Entry("k", pack_events(Batch("web", NOW, [b"[1]", b"{nonsense"])))])
    await append(log, [event(1, 0)])
    far = FarEnd()
    async with running(delivery(far, log, state)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert far.got == ["1-0"]
    assert sorted(letter.event for letter in await dead_letters(log)) == [b"[1]", b"{nonsense"]


async def test_the_rate_is_kept(log: Any, state: Any) -> None:
    await append(log, [event(person, 0) for person in range(30)])
    far = FarEnd(capabilities=Capabilities(max_events=5))
    loop = asyncio.get_running_loop()
    start = loop.time()
    settings = DeliverySettings(events_per_second=100)
    async with running(delivery(far, log, state, settings)) as under_test:
        await asyncio.wait_for(under_test.drain(), 10)
    assert loop.time() - start >= 0.25
