"""What a crash of the process may do to deliveries: repeat a little, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sojourn.core.envelope import pack_events
from sojourn.core.ports import EVENTS, Batch, Entry
from sojourn.log.sqlite_log import SqliteLog
from sojourn.testing.destination_suite import sample_event
from sojourn.testing.stub_far_end import Answer, Seen, StubFarEnd

from ..program import Running, run

PEOPLE, EACH = 1_000, 100
KILLS = 3
SCRIPT = Path(__file__).with_name("three_deliveries.py")


class FarEnd:
    """Takes all that comes while it is up, and keeps the names of the events in order."""

    def __init__(self, find: Callable[[Seen], Sequence[str]]) -> None:
        self._find = find
        self.is_up = True
        self.requests = 0
        self.got: list[str] = []
        self.different: set[str] = set()

    def __call__(self, seen: Seen) -> Answer:
        if not self.is_up:
            return Answer(503)
        names = self._find(seen)
        self.requests += 1
        self.got += names
        self.different.update(names)
        return Answer()


def amplitude(seen: Seen) -> list[str]:
    return [one["insert_id"] for one in seen.body["events"]]


def mixpanel(seen: Seen) -> list[str]:
    return [one["properties"]["$insert_id"] for one in seen.body]


def webhook(seen: Seen) -> list[str]:
    return [one["messageId"] for one in seen.body]


async def fill(directory: Path) -> dict[str, tuple[int, int]]:
    """Events of many people, in turns; returns who and which each message id is."""
    log = SqliteLog(directory / "log.db")
    names: dict[str, tuple[int, int]] = {}
    entries = []
    for number in range(EACH):
        for person in range(PEOPLE):
            event = sample_event(number * PEOPLE + person, person=str(person))
            names[event["messageId"]] = (person, number)
            value = pack_events(Batch("web", 1_780_000_000_000, [json.dumps(event).encode()]))
            entries.append(Entry(str(person), value))
    await log.append(EVENTS, entries)
    await log.close()
    return names


def first_arrivals_in_order(got: Sequence[str], names: dict[str, tuple[int, int]]) -> bool:
    last: Counter[int] = Counter()
    for name in dict.fromkeys(got):
        person, number = names[name]
        if number < last[person]:
            return False
        last[person] = number
    return True


@pytest.mark.timeout(400)
async def test_nothing_is_lost_and_order_is_kept_through_kills_and_an_outage(
    tmp_path: Path,
) -> None:
    names = await fill(tmp_path)
    amp, mix, web = (FarEnd(find) for find in (amplitude, mixpanel, webhook))
    web.is_up = False
    async with StubFarEnd(amp) as one, StubFarEnd(mix) as two, StubFarEnd(web) as three:
        words = (tmp_path, one.url, two.url, three.url)
        for round_ in range(KILLS):
            process = Running(*words, script=SCRIPT)
            before = amp.requests
            await _until(
                lambda before=before: amp.requests >= before + 2 or len(amp.different) == len(names)
            )
            await asyncio.sleep(0.05 * round_)
            process.kill()
            process.wait(60)
        last = asyncio.create_task(asyncio.to_thread(run, *words, script=SCRIPT))
        await _until(lambda: len(amp.different) == len(names))
        assert not web.got
        web.is_up = True
        assert (await last).stdout == "drained\n"
        for far in (amp, mix, web):
            assert far.different == set(names)
            assert first_arrivals_in_order(far.got, names)
            assert max(Counter(far.got).values()) <= 1 + KILLS
        assert len(web.got) == len(names), "nothing was lost, so nothing comes twice"


async def _until(condition: Callable[[], Any], seconds: float = 240) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)
