"""Several Amplitude events in one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from sojourn.core.errors import InvalidEvent
from sojourn.destinations.request import (
    Body,
    Dispatch,
    Request,
)
from sojourn.destinations.values import child, truthy

PATH = "/2/httpapi"
BATCH_PATH = "/batch"
JOINED_EVENTS = 500
"""Most events of one call that was joined from finished requests."""
JOINED_BYTES = 20 * 1024 * 1024
SHORT_ID = 5
"""User ids below this length are refused by `/batch` where no shorter minimum is given."""

Made = tuple[int, Request]
"""A job id and a request with events that was made for it."""


Shareable = tuple[int, Sequence[Request]]
"""A job id and all requests of the job."""


def shareable(requests: Sequence[Request]) -> bool:
    """Whether a job's requests all are calls to the event endpoint."""
    return all(request.url.endswith(PATH) for request in requests)


def chunked(jobs: Sequence[Shareable], most: int) -> Iterator[Dispatch]:
    """The jobs in calls of at most `most` events; one event alone keeps its own call.

    A job with several events (an order and its products) is not divided.
    """
    chunk: list[Made] = []
    for job, requests in jobs:
        if chunk and len(chunk) + len(requests) > most:
            yield _call(chunk)
            chunk = []
        chunk += [(job, request) for request in requests]
    if chunk:
        yield _call(chunk)


def _call(made: Sequence[Made]) -> Dispatch:
    if len(made) == 1:
        return Dispatch((made[0][0],), (made[0][1],))
    jobs = list(dict.fromkeys(job for job, _ in made))
    return Dispatch(jobs, (_merged(made, keep_options=True),))


def _merged(made: Sequence[Made], *, keep_options: bool) -> Request:
    first = made[0][1]
    value = {**_value(first)}
    value["events"] = [event for _, request in made for event in _events(request)]
    if not keep_options:
        value.pop("options", None)
    url = first.url.removesuffix(PATH) + BATCH_PATH
    return Request(first.method, url, Body(value), first.headers)


def _value(request: Request) -> dict[str, Any]:
    value: dict[str, Any] = request.body.value if request.body else {}
    return value


def _events(request: Request) -> list[Any]:
    events = _value(request).get("events") or []
    return events if isinstance(events, list) else [events]


def joined(made: Iterable[Made]) -> list[Dispatch]:
    """Finished requests of different users joined, as RudderStack's batch stage does.

    Up to 500 events and 20 MiB a call; events of users with a short id, and what is no event
    (groups, aliases), stay on their own.
    """
    dispatches: list[Dispatch] = []
    group: list[Made] = []
    size = 0

    def close() -> None:
        nonlocal group, size
        if group:
            ids = [job for job, _ in group]
            dispatches.append(Dispatch(ids, (_merged(group, keep_options=False),)))
        group, size = [], 0

    for job, request in made:
        events = _events(request)
        user_id = child(events[0], "user_id") if events else None
        if events and not truthy(user_id) and not truthy(child(events[0], "device_id")):
            error = InvalidEvent("Amplitude needs a user id or a device id")
            dispatches.append(Dispatch((job,), error=error))
            continue
        if not events or (isinstance(user_id, str) and user_id and len(user_id) < SHORT_ID):
            dispatches.append(Dispatch((job,), (request,)))
            continue
        bytes_ = len(msgspec.json.encode(events))
        if group and (len(group) >= JOINED_EVENTS or size + bytes_ >= JOINED_BYTES):
            close()
        group.append((job, request))
        size += bytes_
    close()
    return dispatches
