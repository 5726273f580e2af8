"""Deliveries of small events to a far end in memory, that run, stop or are killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sojourn.core.envelope import pack_events, unpack_dead
from sojourn.core.ports import DEAD, EVENTS, Batch, Entry
from sojourn.log.clock import WallClock
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings

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
