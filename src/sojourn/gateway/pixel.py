"""The pixel: an event in the query string of an image, for mails and pages without scripts."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

from sojourn.core.events import clean_id

GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""One transparent pixel, 43 bytes."""

_MAX_LEVELS = 20
_MAX_INDEX = 99
"""A number in a name builds a list up to here; beyond it, or deeper than the levels, a name
is taken as it is: `a.99999999=1` must not fill memory."""


def pixel_event(kind: str, parameters: dict[str, str], now_ms: int) -> dict[str, Any] | None:
    """The event of a pixel hit, or None for a track with an empty `event`.

    Each parameter is a field, with dots for nesting; all values are text.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    now = now.replace("+00:00", "Z")
    event: dict[str, Any] = {
        "channel": "web",
        "integrations": {"All": True},
        "originalTimestamp": now,
        "sentAt": now,
        "type": kind,
    }
    for name, value in parameters.items():
        if name == "anonymousId":
            value = value.strip("'\"")
        if name and name != "writeKey":
            _set(event, _path(name), value)
    if kind == "track" and event.get("event") == "":
        return None
    if kind == "page" and event.get("name") == "":
        event["name"] = "Unknown Page"
    return event


def event_json(event: dict[str, Any]) -> bytes:
    """The event as the body of a request."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def person_of(event: dict[str, Any]) -> str:
    """The anonymous id of an event, else its user id; empty if it has neither."""
    return clean_id(event.get("anonymousId")) or clean_id(event.get("userId"))


def _path(name: str) -> list[str | int]:
    parts = name.split(".")
    if len(parts) > _MAX_LEVELS or "" in parts:
        return [name]
    return [int(p) if p.isdecimal() and p.isascii() and len(p) < 3 else p for p in parts]


def _set(event: dict[str, Any], path: list[str | int], value: str) -> None:
    """Put `value` at `path`, making lists for numbers and objects for names on the way."""
    place: Any = event
    for step, following in zip(path, [*path[1:], None], strict=True):
        if isinstance(place, list) and isinstance(step, int):
            place.extend([None] * (step + 1 - len(place)))
            key: Any = step
            there = place[step]
        elif isinstance(place, list):
            return  # a name inside a list has no place
        else:
            key = str(step)
            there = place.get(key)
        if following is None:
            place[key] = value
            return
        if not isinstance(there, (dict, list)):
            there = place[key] = [] if isinstance(following, int) else {}
        place = there
