"""The session of an Amplitude event: `session_id`, always present, -1 for none."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from sojourn.destinations.values import child, exact

_INTEGER = re.compile(r"-?[0-9]+")

_ENDLESS = 400
"""No double has so many digits before its point."""

NONE = -1
"""Amplitude's own value for an event outside of any session."""


def session_id(event: Mapping[str, Any]) -> int | float:
    """The session id to send, taken as milliseconds by Amplitude and never converted.

    A root `session_id` comes first: text is cut at its last colon, a number is taken as it
    is. Then `context.sessionId`: an integral number or text that is wholly an integer.
    """
    root = event.get("session_id")
    if root:
        found = _from_root(root)
        if found != NONE:
            return found
    context = event.get("context")
    value = context.get("sessionId") if context.__class__ is dict else child(context, "sessionId")
    if not value or isinstance(value, bool):
        return NONE
    if isinstance(value, int):
        return _finite(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else NONE
    return _integer(value)


def _from_root(value: Any) -> int | float:
    if isinstance(value, str):
        return _integer(value.rpartition(":")[2])
    if isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return _finite(value)
    return value if isinstance(value, float) else NONE


def _integer(value: Any) -> int | float:
    if isinstance(value, str) and len(value) < _ENDLESS and _INTEGER.fullmatch(value):
        return _finite(int(value))
    return NONE


def _finite(value: int) -> int | float:
    found = exact(value)
    return found if math.isfinite(found) else NONE
