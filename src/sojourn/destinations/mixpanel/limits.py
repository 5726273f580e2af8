"""What Mixpanel refuses by size, checked before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sojourn.core.errors import InvalidEvent

MOST_KEYS = 255
"""An object has fewer keys than this."""
MOST_ELEMENTS = 255
MOST_BYTES = 1 << 20
_YEAR_MS = int(365.2425 * 86_400_000)
OLDEST_MS = 5 * _YEAR_MS

_LIKELY_SMALL = 1 << 17
"""Below this many characters of text an event is not encoded only to be measured."""


def check_size(properties: Mapping[str, Any]) -> None:
    """Raise `InvalidEvent` where the properties break one of Mixpanel's limits."""
    if _walk(properties, "") > _LIKELY_SMALL:
        size = len(msgspec.json.encode(properties))
        if size > MOST_BYTES:
            raise InvalidEvent(f"the event has {size} bytes, Mixpanel takes {MOST_BYTES}")


def _walk(value: Any, name: str) -> int:
    """Check keys and elements; returns about how many characters of text there are."""
    if value.__class__ is dict:
        if len(value) >= MOST_KEYS:
            where = f"`{name}`" if name else "the event"
            raise InvalidEvent(
                f"{where} has {len(value)} properties, Mixpanel takes fewer than {MOST_KEYS}"
            )
        characters = 16 * len(value)
        for key, one in value.items():
            characters += len(key)
            kind = one.__class__
            if kind is str:
                characters += len(one)
            elif kind is dict or kind is list:
                characters += _walk(one, key)
        return characters
    if len(value) > MOST_ELEMENTS:
        raise InvalidEvent(
            f"`{name}` has {len(value)} elements, Mixpanel takes up to {MOST_ELEMENTS}"
        )
    return sum(
        _walk(one, name)
        if one.__class__ in (dict, list)
        else len(one)
        if one.__class__ is str
        else 8
        for one in value
    )


def check_age(event_ms: int | None, now_ms: int) -> None:
    """Raise `InvalidEvent` where the event is more than five years old."""
    if event_ms is not None and now_ms - event_ms > OLDEST_MS:
        raise InvalidEvent("the event is more than 5 years old, which Mixpanel refuses")
