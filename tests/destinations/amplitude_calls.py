"""Events for the tests of Amplitude, and what it is sent for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.request import Request

from .plain_event import event

__all__ = ["body", "event", "requests", "sent"]


def requests(given: Mapping[str, Any], **config: Any) -> list[Request]:
    return Amplitude({"apiKey": "k", **config}).requests(given)


def body(request: Request) -> Any:
    assert request.body is not None
    return request.body.value


def sent(given: Mapping[str, Any], **config: Any) -> dict[str, Any]:
    """The first Amplitude event that `given` becomes."""
    first: dict[str, Any] = body(requests(given, **config)[0])["events"][0]
    return first
