"""Dead letters can be listed, looked at, and sent again to where they belong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sojourn.core.envelope import DeadLetter, pack_dead, pack_events
from sojourn.core.errors import InvalidSettings
from sojourn.core.outcome import Delivered, Rejected
from sojourn.core.ports import DEAD, EVENTS, Batch, Entry
from sojourn.log.clock import WallClock
from sojourn.pipeline.dead_letters import DeadLetters
from sojourn.pipeline.delivery import Delivery
from sojourn.testing.memory_destination import MemoryDestination


def picky(takes: bool) -> MemoryDestination:
    """Takes everything, or refuses it for good."""
    return MemoryDestination(lambda event: Delivered() if takes else Rejected("HTTP 400: no"))


async def deliver(name: str, far: MemoryDestination, log: Any, state: Any) -> None:
    stop = asyncio.Event()
    delivery = Delivery(name, far, log, state, WallClock())
    task = asyncio.create_task(delivery.run(stop))
    await asyncio.wait_for(delivery.drain(), 10)
    stop.set()
    await task


async def three_events(log: Any) -> None:
    events = [
        json.dumps({"messageId": f"m{n}", "anonymousId": "a", "type": "track"}).encode()
        for n in range(3)
    ]
    await log.append(EVENTS, [Entry("a", pack_events(Batch("web", 5, events)))])


async def test_letters_are_listed_by_stage_and_shown_by_id(log: Any, state: Any) -> None:
    await three_events(log)
    await deliver("hook", picky(takes=False), log, state)
    other = DeadLetter("web", 1, "processor", "no type", b"{}")
    await log.append(DEAD, [Entry("k", pack_dead(other))])
    letters = DeadLetters(log, state, ["hook"])
    mine = [one async for one in letters.list(stage="hook")]
    assert [json.loads(one.letter.event)["messageId"] for one in mine] == ["m0", "m1", "m2"]
    assert [one.letter.reason for one in mine] == ["HTTP 400: no"] * 3
    assert len([one async for one in letters.list()]) == 4
    assert (await letters.show(mine[1].id)).letter == mine[1].letter
    with pytest.raises(InvalidSettings, match="no dead letter 9-9"):
        await letters.show("9-9")


async def test_a_replay_goes_to_its_own_destination_only_and_in_order(log: Any, state: Any) -> None:
    await three_events(log)
    await deliver("hook", picky(takes=False), log, state)
    bystander = picky(takes=True)
    await deliver("other", bystander, log, state)
    letters = DeadLetters(log, state, ["hook", "other"])
    count = await letters.replay([one async for one in letters.list(stage="hook")])
    assert count == 3
    healed = picky(takes=True)
    await deliver("hook", healed, log, state)
    await deliver("other", bystander, log, state)
    assert healed.got == ["m0", "m1", "m2"]
    assert bystander.got == ["m0", "m1", "m2"]
    assert [one async for one in letters.list(replayed=False)] == []
    assert len([one async for one in letters.list(replayed=True)]) == 3


async def test_letters_of_other_stages_cannot_be_replayed(log: Any, state: Any) -> None:
    dead = DeadLetter("web", 1, "processor", "no type", b"not json")
    await log.append(DEAD, [Entry("k", pack_dead(dead))])
    letters = DeadLetters(log, state, ["hook"])
    with pytest.raises(InvalidSettings, match="processor"):
        await letters.replay([one async for one in letters.list()])
