"""Dead letters can be listed, looked at, and sent again to where they belong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sojourn.core.envelope import DeadLetter, pack_dead, pack_events
from sojourn.core.errors import InvalidSettings
from sojourn.core.outcome import Delivered, Outcome, Rejected
from sojourn.core.ports import DEAD, EVENTS, Batch, Capabilities, Entry
from sojourn.log.clock import WallClock
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.pipeline.dead_letters import DeadLetters
from sojourn.pipeline.delivery import Delivery


class Picky:
    """Refuses everything, until it is told not to."""

    capabilities = Capabilities(max_events=10)

    def __init__(self, takes: bool) -> None:
        self.takes = takes
        self.got: list[str] = []

    async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
        if not self.takes:
            return [Rejected("HTTP 400: no")] * len(batch)
        self.got += [event["messageId"] for event in batch]
        return [Delivered()] * len(batch)

    async def forget(self, users: Sequence[Mapping[str, Any]]) -> Outcome:
        return Delivered()

    async def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    opened = SqliteLog(tmp_path / "log.db")
    yield opened
    await opened.close()


@pytest.fixture
def state(tmp_path: Path) -> Any:
    store = SqliteStateStore(tmp_path / "state.db", WallClock())
    yield store
    store.close()


async def deliver(name: str, far: Picky, log: Any, state: Any) -> None:
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
    await deliver("hook", Picky(takes=False), log, state)
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
    await deliver("hook", Picky(takes=False), log, state)
    bystander = Picky(takes=True)
    await deliver("other", bystander, log, state)
    letters = DeadLetters(log, state, ["hook", "other"])
    count = await letters.replay([one async for one in letters.list(stage="hook")])
    assert count == 3
    healed = Picky(takes=True)
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
