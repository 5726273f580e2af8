"""Who an event or a profile belongs to, under both of Mixpanel's ways to merge ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.destinations.values import text, truthy


def as_text(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with its ids as text."""
    changes = {
        key: text(event[key])
        for key in ("userId", "anonymousId")
        if not isinstance(event.get(key, ""), str) and truthy(event[key])
    }
    return {**event, **changes} if changes else event


def distinct_id(event: Mapping[str, Any], simplified: bool) -> Any:
    """The user id; without one the anonymous id, after `$device:` for the simplified merge."""
    user_id = event.get("userId")
    if user_id:
        return user_id
    anonymous_id = event.get("anonymousId")
    if simplified:
        return f"$device:{'undefined' if anonymous_id is None else anonymous_id}"
    return anonymous_id


def without_none(**properties: Any) -> dict[str, Any]:
    """The properties that are not None, `$` in front of each name."""
    return {"$" + name: value for name, value in properties.items() if value is not None}
