"""The queue keeps every event, and each person's in order, whatever becomes of the calls."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.ports import Capabilities
from sojourn.pipeline.delivery_breaker import FAILURES, Breaker, backoff
from sojourn.pipeline.delivery_queue import Item, Queue


def item(person: int, number: int) -> Item:
    return Item(("events", 0), number, 0, "web", 0, b"x" * 10, lane=f"p{person}")


@settings(max_examples=200, deadline=None)
@given(
    people=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    most=st.integers(1, 7),
    room=st.integers(10, 60),
    seed=st.integers(0, 2**32),
)
def test_all_events_leave_once_and_in_order(
    people: list[int], most: int, room: int, seed: int
) -> None:
    chance = random.Random(seed)
    queue = Queue(Capabilities(max_events=most, max_bytes=room))
    for number, person in enumerate(people):
        queue.add(item(person, number))
    flying: list[list[Item]] = []
    left: dict[str, list[int]] = defaultdict(list)
    waiting: set[str] = set()
    for _ in range(10_000):
        taken = queue.take()
        if taken:
            assert len(taken) <= most
            busy = {one.lane for call in flying for one in call}
            assert busy.isdisjoint(one.lane for one in taken)
            flying.append(taken)
        if flying and (not taken or chance.random() < 0.5):
            _settle(queue, flying.pop(chance.randrange(len(flying))), chance, left, waiting)
        elif not taken and waiting:
            lane = waiting.pop()
            queue.release(lane)
        elif not taken and not flying:
            break
    assert queue.size == 0
    assert queue.bytes == 0
    expected: dict[str, list[int]] = defaultdict(list)
    for number, person in enumerate(people):
        expected[f"p{person}"].append(number)
    assert left == expected


def _settle(
    queue: Queue,
    call: Sequence[Item],
    chance: random.Random,
    left: dict[str, list[int]],
    waiting: set[str],
) -> None:
    """Each lane of a call has success up to some event; the rest stays, perhaps waiting."""
    done: list[Item] = []
    failed: set[str] = set()
    for one in call:
        if one.lane in failed:
            continue
        if chance.random() < 0.3:
            failed.add(one.lane)
            one.alone = chance.random() < 0.3
        else:
            done.append(one)
            left[one.lane].append(one.offset)
    delayed = {lane for lane in failed if chance.random() < 0.5}
    waiting.update(delayed)
    queue.settle(done, dict.fromkeys(one.lane for one in call), frozenset(delayed))


def test_an_event_that_must_go_alone_goes_alone() -> None:
    queue = Queue(Capabilities(max_events=10))
    items = [item(1, 0), item(1, 1), item(2, 2)]
    items[0].alone = True
    for one in items:
        queue.add(one)
    assert queue.take() == [items[0]]
    assert queue.take() == [items[2]]
    queue.settle([items[0]], ["p1"], frozenset())
    assert queue.take() == [items[1]]


def test_one_event_larger_than_the_limit_still_goes() -> None:
    queue = Queue(Capabilities(max_events=10, max_bytes=5))
    queue.add(item(1, 0))
    queue.add(item(1, 1))
    assert len(queue.take()) == 1


def test_without_order_nobody_waits_for_an_earlier_event() -> None:
    queue = Queue(Capabilities(max_events=1, ordered=False))
    first, second = item(1, 0), item(1, 1)
    queue.add(first)
    queue.add(second)
    assert queue.take() == [first]
    assert queue.take() == [second]


def test_the_breaker_opens_after_failures_and_lets_one_call_probe() -> None:
    breaker = Breaker(first=10, most=300)
    for _ in range(FAILURES):
        assert breaker.allows(0)
        breaker.failed(0, None)
    assert breaker.open
    assert not breaker.allows(breaker.until - 0.01)
    assert breaker.allows(breaker.until)
    breaker.started()
    assert not breaker.allows(breaker.until)
    breaker.failed(breaker.until, None)
    assert 10 <= breaker.until <= 10 + 20
    breaker.started()
    breaker.succeeded(breaker.until)
    assert not breaker.open
    assert breaker.allows(0)


def test_the_breaker_keeps_the_wait_that_the_far_end_asked_for() -> None:
    breaker = Breaker(first=1, most=300)
    breaker.failed(100, 60)
    assert breaker.open
    breaker.succeeded(101)
    assert not breaker.allows(159)
    assert breaker.allows(160)


@given(failures=st.integers(1, 10_000))
def test_waits_double_with_jitter_up_to_the_limit(failures: int) -> None:
    wait = backoff(failures, 10, 300)
    whole = min(300, 10 * 2 ** min(failures - 1, 60))
    assert whole / 2 <= wait <= whole
