"""Deliveries over HTTP to far ends that answer with everything there is."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sojourn.core.envelope import pack_events, unpack_dead
from sojourn.core.ports import DEAD, EVENTS, Batch, Entry
from sojourn.destinations.registry import build
from sojourn.log.clock import WallClock
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import split
from sojourn.testing.destination_suite import sample_event
from sojourn.testing.stub_far_end import Answer, Seen, StubFarEnd

PEOPLE, EACH = 12, 15
FAULTS = (
    Answer(500),
    Answer(503),
    Answer(408),
    Answer(429, headers={"Retry-After": "0"}),
    Answer(fault="reset"),
    Answer(fault="partial"),
    Answer(delay=0.02),
)


def names_in(kind: str, seen: Seen) -> list[str]:
    if kind == "amplitude":
        return [one["insert_id"] for one in seen.body["events"]]
    if kind == "mixpanel":
        return [one["properties"]["$insert_id"] for one in seen.body]
    return [one["messageId"] for one in seen.body]


SETTINGS: dict[str, dict[str, Any]] = {
    "amplitude": {"api_key": "k"},
    "mixpanel": {"token": "t"},
    "webhook": {"allow_internal": True, "batch": 3},
}


@pytest.mark.parametrize("kind", SETTINGS)
async def test_every_event_arrives_or_is_a_dead_letter_and_order_is_kept(
    kind: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    accepted: list[str] = []

    def answer(seen: Seen) -> Answer:
        poison = b"poison" in seen.raw
        fault = chance.choice(FAULTS) if chance.random() < 0.4 else Answer()
        if fault.status != 200 or fault.fault:
            return fault
        if poison:
            return Answer(400, _refusal(kind, seen))
        accepted.extend(names_in(kind, seen))
        return fault

    def _refusal(kind: str, seen: Seen) -> Any:
        if kind != "mixpanel":
            return {}
        bad = [one for one in seen.body if one["event"] == "poison"]
        accepted.extend(
            one["properties"]["$insert_id"] for one in seen.body if one["event"] != "poison"
        )
        return {"failed_records": [{"$insert_id": one["properties"]["$insert_id"]} for one in bad]}

    log = SqliteLog(tmp_path / "log.db")
    state = SqliteStateStore(tmp_path / "state.db", WallClock())
    order: dict[str, tuple[int, int]] = {}
    poisoned: set[str] = set()
    for number in range(EACH):
        for person in range(PEOPLE):
            event = sample_event(number * PEOPLE + person, person=str(person))
            if person == 3 and number % 5 == 2:
                event["event"] = "poison"
                poisoned.add(event["messageId"])
            order[event["messageId"]] = (person, number)
            value = pack_events(Batch("web", 1, [json.dumps(event).encode()]))
            await log.append(EVENTS, [Entry(str(person), value)])
    async with StubFarEnd(answer) as far:
        options = {**SETTINGS[kind], "url": far.url, "backoff_first": 0.01, "backoff_most": 0.05}
        settings, rest = split(kind, options)
        delivery = Delivery(kind, build(kind, rest), log, state, WallClock(), settings)
        stop = asyncio.Event()
        task = asyncio.create_task(delivery.run(stop))
        await asyncio.wait_for(delivery.drain(), 40)
        stop.set()
        await task
    letters = [
        json.loads(unpack_dead(entry.value).event)["messageId"]
        for entry in await log.reader(DEAD, "test").read(1 << 24, 0)
    ]
    await log.close()
    state.close()
    assert set(letters) == poisoned
    assert set(accepted) == set(order) - poisoned
    last: Counter[int] = Counter()
    for name in dict.fromkeys(accepted):
        person, number = order[name]
        assert number >= last[person]
        last[person] = number
