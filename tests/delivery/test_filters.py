"""Which events a destination gets, and what it never gets to see."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from sojourn.core.envelope import pack_events
from sojourn.core.ports import EVENTS, Batch, Entry
from sojourn.log.clock import WallClock
from sojourn.log.memory_log import MemoryLog
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.testing.memory_destination import MemoryDestination

from .deliveries import event


async def deliver(
    events: Sequence[bytes],
    state: Any,
    settings: DeliverySettings = DeliverySettings(),  # noqa: B008 - frozen
    names: Sequence[str] = (),
    name: str = "far",
) -> tuple[MemoryDestination, Delivery]:
    log = MemoryLog()
    for one in events:
        await log.append(EVENTS, [Entry("k", pack_events(Batch("web", 1, [one])))])
    far = MemoryDestination(integration_names=names)
    delivery = Delivery(name, far, log, state, WallClock(), settings)
    stop = asyncio.Event()
    task = asyncio.create_task(delivery.run(stop))
    await asyncio.wait_for(delivery.drain(), 10)
    stop.set()
    await task
    return far, delivery


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
    refused = {"consentManagement": {"deniedConsentIds": ["ads"]}}
    events = [
        event(1, 0),
        event(1, 1, type="page", event=None),
        event(1, 2, event="Bought", context=refused),
        event(1, 3, event="Seen", context="not an object"),
    ]
    far, delivery = await deliver(events, state, settings)
    assert far.got == expected
    assert delivery.stats.filtered == {reason: 4 - len(expected)}


async def test_the_integrations_of_an_event_are_followed(state: Any) -> None:
    choices = [{"All": True}, {"All": False}, {"All": False, "FAR": True}, {"far": False}, {}]
    events = [event(1, number, integrations=one) for number, one in enumerate(choices)]
    far, _ = await deliver(events, state, names=("Far",))
    assert far.got == ["1-0", "1-2", "1-4"]


async def test_sampling_takes_all_events_of_the_same_people(state: Any) -> None:
    events = [event(person, number) for person in range(200) for number in range(2)]
    half = DeliverySettings(sample=0.5)
    taken = [
        sorted((await deliver(events, state, half, name=name))[0].got) for name in ("one", "two")
    ]
    assert taken[0] == taken[1]
    people = Counter(name.split("-")[0] for name in taken[0])
    assert set(people.values()) == {2}
    assert 60 < len(people) < 140


async def test_masked_values_never_leave(state: Any) -> None:
    settings = DeliverySettings(mask=("context.traits.email", "properties.card"))
    one = event(1, 0, context={"traits": {"email": "a@b.c", "plan": "pro"}})
    far, _ = await deliver([one], state, settings)
    assert far.seen[0]["context"]["traits"] == {"email": "***", "plan": "pro"}
