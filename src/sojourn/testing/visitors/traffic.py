"""Visitors as requests to a data plane: two weeks of history, and traffic that never ends."""

from __future__ import annotations

import base64
import copy
import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sojourn.testing.visitors.incident import SAFARI_PAYMENT, Incident
from sojourn.testing.visitors.people import Device, Person, population
from sojourn.testing.visitors.shop import ORIGINS, Origin
from sojourn.testing.visitors.visit import Visit
from sojourn.testing.visitors.wire import AppSdk, Sdk, WebSdk, iso

DAY_MS: Final = 86_400_000
FLUSH_MS: Final = 60_000
"""How long an SDK gathers events before it sends a batch; the web SDK's default."""
APP_FLUSH_MS: Final = 10_000
ROBOTS: Final = 6
_APP: Final = Origin("Direct", bounce=0.18)
_ROBOT: Final = Origin("Direct", bounce=1.0)
_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 9, 10, 9, 8, 8, 9, 10, 12, 14, 14, 12, 7, 3)
"""How busy each hour of the day is, by UTC."""


@dataclass(frozen=True)
class Sending:
    """One request of one device: POST `body` as JSON to `path` at `at_ms` (epoch)."""

    platform: str
    path: str
    at_ms: int
    anonymous_id: str
    body: dict[str, Any]

    @property
    def events(self) -> Sequence[dict[str, Any]]:
        """The events in it, in order."""
        batch: Sequence[dict[str, Any]] = self.body.get("batch", (self.body,))
        return batch

    def headers(self, write_key: str) -> dict[str, str]:
        """The headers that the SDK sets, for this write key."""
        return {
            "Authorization": f"Basic {_base64(write_key + ':')}",
            "AnonymousId": _base64(self.anonymous_id),
            "Content-Type": "application/json;charset=UTF-8",
        }

    def processed(self) -> list[dict[str, Any]]:
        """The events as they stand in the stream `events`, if received 20 ms after `at_ms`.

        For tests of what reads that stream, without a gateway and a processor. The `rudderId`
        is left out, since nothing in it is the visitor's.
        """
        made = []
        for event in self.events:
            event = copy.copy(event)
            event.setdefault("timestamp", event["originalTimestamp"])
            event["receivedAt"] = iso(self.at_ms + 20)
            event["request_ip"] = "192.0.2.7"
            made.append(event)
        return made


def visitors(
    seed: int,
    people: int = 500,
    days: float = 14,
    *,
    now_ms: int,
    incidents: Sequence[Incident] = (SAFARI_PAYMENT,),
    batch: bool = True,
) -> Iterator[Sending]:
    """The history of `people` visitors over the `days` before `now_ms`, in order of sending.

    Every event carries a `timestamp`, which the server keeps, so that the history stays in the
    past although it is sent now. `batch`: browsers send batches, too (far fewer requests); else
    one request per event, the SDK's default. Equal arguments give equal traffic.
    """
    rng = random.Random(seed)
    begin_ms = int(now_ms - days * DAY_MS)
    made: list[Sending] = []
    for person in population(rng, people, ROBOTS if people >= 50 else 0):
        own = random.Random(rng.getrandbits(64))
        for start_ms in _starts(own, person, begin_ms, days):
            if start_ms < max(device.last_ms for device in person.devices) + 60_000:
                continue
            day = (start_ms - begin_ms) / DAY_MS
            events = play(own, person, start_ms, incidents, day)
            made += _sendings(own, events, now_ms, batch, history=True)
    made.sort(key=lambda sending: sending.at_ms)
    return iter(made)


def live(
    seed: int,
    people: int = 500,
    *,
    now_ms: int,
    visits_per_minute: float = 6.0,
    incidents: Sequence[Incident] = (),
) -> Iterator[Sending]:
    """Endless traffic from `now_ms` on, in order of sending; send each when its `at_ms` has come.

    The people are those of `visitors` with the same `seed` and `people`. Events carry no
    `timestamp`: the server works it out. Incidents without an end are in force.
    """
    rng = random.Random(f"{seed}/live/{now_ms}")
    everybody = population(random.Random(seed), people, 0)
    for person in everybody:
        for device in person.devices:
            device.installed = True
    waiting: list[tuple[int, int, Sending]] = []
    arrival_ms, number = float(now_ms), 0
    while True:
        arrival_ms += rng.expovariate(visits_per_minute) * 60_000
        while waiting and waiting[0][0] <= arrival_ms:
            yield heapq.heappop(waiting)[2]
        person = rng.choice(everybody)
        if arrival_ms < max(device.last_ms for device in person.devices):
            continue
        events = play(rng, person, int(arrival_ms), incidents, math.inf)
        for sending in _sendings(rng, events, None, batch=False, history=False):
            number += 1
            heapq.heappush(waiting, (sending.at_ms, number, sending))


Played = tuple[Device, list[tuple[int, dict[str, Any]]]]


def play(
    rng: random.Random, person: Person, start_ms: int, incidents: Sequence[Incident], day: float
) -> Played:
    """One visit that starts at `start_ms`: the device, and its events with their times."""
    device = rng.choice(person.devices)
    equipment = device.equipment
    origin = _origin(rng, person, device)
    traits = {
        "platform": equipment.platform,
        "browser": equipment.browser,
        "os": equipment.os,
        "device": equipment.device,
        "channel": origin.channel,
        "country": person.country,
    }

    def chance(step: str) -> float:
        left = 1.0
        for incident in incidents:
            if incident.strikes(step, traits, day):
                left *= 1 - incident.effect
        return left

    sdk: Sdk
    if device.is_web:
        sdk = WebSdk(rng, person, device, origin)
    else:
        sdk = AppSdk(rng, person, device)
    at_ms, events = start_ms, []
    for act in Visit(rng, person, origin, chance).acts():
        at_ms += act.after_ms
        events += [(at_ms, event) for event in sdk.events(act, at_ms)]
    at_ms += rng.randrange(2_000, 30_000)
    events += [(at_ms, event) for event in sdk.closing(at_ms)]
    return device, events


def _origin(rng: random.Random, person: Person, device: Device) -> Origin:
    if person.robot:
        return _ROBOT
    if not device.is_web:
        return _APP
    return rng.choices([row[0] for row in ORIGINS], [row[1] for row in ORIGINS])[0]


def _starts(rng: random.Random, person: Person, begin_ms: int, days: float) -> list[int]:
    """When the visits begin: a number after the person's habit, at the hours when people shop."""
    wanted = person.visits_per_day * days
    count = int(wanted) + (rng.random() < wanted % 1)
    starts = []
    for _ in range(max(1, count)):
        # The whole length, ends included, so that the last hours are as busy as others.
        moment = begin_ms + int(rng.random() * days * DAY_MS)
        while rng.random() > _HOURS[moment // 3_600_000 % 24] / max(_HOURS):
            moment = begin_ms + int(rng.random() * days * DAY_MS)
        starts.append(moment)
    return sorted(starts)


def _sendings(
    rng: random.Random, played: Played, until_ms: int | None, batch: bool, history: bool
) -> Iterator[Sending]:
    device, events = played
    gathers = batch or not device.is_web
    flush_ms = FLUSH_MS if device.is_web else APP_FLUSH_MS
    if history and gathers:
        flush_ms = FLUSH_MS
    waiting: list[tuple[int, dict[str, Any]]] = []
    for at_ms, event in events:
        if until_ms is not None and at_ms + flush_ms > until_ms:
            break
        if history:
            event["timestamp"] = event["originalTimestamp"]
        if waiting and (not gathers or at_ms - waiting[0][0] >= flush_ms):
            yield _sending(rng, device, waiting, gathers, flush_ms)
            waiting = []
        waiting.append((at_ms, event))
    if waiting:
        yield _sending(rng, device, waiting, gathers, flush_ms)


def _sending(
    rng: random.Random,
    device: Device,
    waiting: list[tuple[int, dict[str, Any]]],
    gathers: bool,
    flush_ms: int,
) -> Sending:
    platform, anonymous_id = device.equipment.platform, device.anonymous_id
    at_ms = waiting[0][0] + (flush_ms if gathers else rng.randrange(1, 40))
    sent_at = iso(at_ms)
    for _, event in waiting:
        event["sentAt"] = sent_at
    if gathers:
        body = {"batch": [event for _, event in waiting], "sentAt": sent_at}
        return Sending(platform, "/v1/batch", at_ms, anonymous_id, body)
    event = waiting[0][1]
    return Sending(platform, f"/v1/{event['type']}", at_ms, anonymous_id, event)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
