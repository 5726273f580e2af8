"""What a crash of the process may do to deliveries: repeat a little, and nothing else."""

from __future__ import annotations

import asyncio
import json
import sys
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

PEOPLE, EACH = 1_000, 100
KILLS = 3
SCRIPT = Path(__file__).with_name("three_deliveries.py")


def names_of(far: StubFarEnd, find: Callable[[Seen], Sequence[str]]) -> list[str]:
    return [name for seen in far.seen for name in find(seen)]


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
    down = {"webhook": True}
    accepted: list[Seen] = []

    def hook(seen: Seen) -> Answer:
        if down["webhook"]:
            return Answer(503)
        accepted.append(seen)
        return Answer()

    async with StubFarEnd() as amp, StubFarEnd() as mix, StubFarEnd(hook) as web:
        arguments = [str(SCRIPT), str(tmp_path), amp.url, mix.url, web.url]
        for round_ in range(KILLS):
            process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
            before = len(amp.seen), len(mix.seen)
            await _until(
                lambda before=before: (
                    len(amp.seen) >= before[0] + 2 or len(names_of(amp, amplitude)) >= len(names)
                )
            )
            await asyncio.sleep(0.05 * round_)
            process.kill()
            await process.wait()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        await _until(lambda: len(set(names_of(amp, amplitude))) == len(names))
        assert not accepted
        down["webhook"] = False
        output, _ = await asyncio.wait_for(process.communicate(), 240)
        assert output == b"drained\n"
        web.seen = accepted
        for far, find in ((amp, amplitude), (mix, mixpanel), (web, webhook)):
            got = names_of(far, find)
            assert set(got) == set(names)
            assert first_arrivals_in_order(got, names)
            assert max(Counter(got).values()) <= 1 + KILLS
        assert len(names_of(web, webhook)) == len(names), "nothing was lost, so nothing comes twice"


async def _until(condition: Callable[[], Any], seconds: float = 240) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)
