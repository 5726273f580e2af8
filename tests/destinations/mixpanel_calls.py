"""What Mixpanel is sent for the tests' events, at a fixed time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.request import Request

from .plain_event import event as event_of

NOW = 1772600767890
"""2026-03-04T05:06:07.890Z."""


def event(kind: str = "identify", **more: Any) -> dict[str, Any]:
    return event_of(kind, **more)


def requests(given: Mapping[str, Any], **config: Any) -> list[Request]:
    return Mixpanel({"token": "t", **config}, now_ms=lambda: NOW).requests(given)


def payloads(made: Sequence[Request]) -> list[Any]:
    """The endpoint of each request, and the one payload in it."""
    found = []
    for request in made:
        assert request.body is not None
        (one,) = request.body.value
        found.append((request.url.split("mixpanel.com")[1], one))
    return found


def profile(given: Mapping[str, Any], **config: Any) -> dict[str, Any]:
    """What `$set` of the profile holds."""
    made = [one for _, one in payloads(requests(given, **config)) if "$set" in one]
    found: dict[str, Any] = made[0]["$set"]
    return found
