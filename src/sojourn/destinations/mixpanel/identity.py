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


def own(event: Mapping[str, Any], simplified: bool, key: str, out: dict[str, Any]) -> None:
    """Write whose it is into `out` under `key`, if the event says so, be it null.

    That is the user id; without one the anonymous id, after `$device:` for the simplified merge.
    """
    user_id = event.get("userId")
    if user_id:
        out[key] = user_id
    elif simplified:
        anonymous_id = event.get("anonymousId", "undefined")
        out[key] = f"$device:{text(anonymous_id)}"
    elif "anonymousId" in event:
        out[key] = event["anonymousId"]
