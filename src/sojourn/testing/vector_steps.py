"""What the replays of session vectors share: the shape of what a step shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sojourn.core.session import Effect

__all__ = [
    "PHONE_STEPS",
    "WEB_STEPS",
    "Observation",
    "difference",
    "emitted",
    "first_difference",
    "session_part",
]

Observation = dict[str, Any]
"""What one step shows: `see`, `see_properties` and (web) `also`, as in the vectors."""

_STEPS = frozenset(
    (
        *("launch", "close", "track", "page", "identify", "alias", "group"),
        *("reset", "start_session", "end_session", "session_id"),
    )
)
"""What a script may do anywhere."""
WEB_STEPS = _STEPS | {
    *("reload", "clear_storage", "consent", "set_custom_context", "clear_custom_context"),
}
PHONE_STEPS = _STEPS | {"screen", "background", "foreground", "opt_out"}
_CHECKED = ("see", "see_properties", "also")
_LONGEST = 200


def session_part(context: Mapping[str, Any]) -> dict[str, Any]:
    """The session's part of an event's context."""
    return {key: context[key] for key in ("sessionId", "sessionStart") if key in context}


def emitted(effect: Effect) -> Observation:
    """What a step shows that may make the client send events of its own."""
    shown = []
    for event in effect.emitted:
        part: dict[str, Any] = {"event": event.name}
        if event.session_id is not None:
            part["sessionId"] = event.session_id
        if event.session_start:
            part["sessionStart"] = True
        shown.append(part)
    return {"see": shown, "see_properties": [event.properties for event in effect.emitted]}


def difference(step: Mapping[str, Any], shown: Observation) -> str | None:
    """The first difference between what a step of a scenario expects and what it showed."""
    for key in _CHECKED:
        if key not in step or (key == "see" and "see" not in shown and step[key] is None):
            continue
        found = first_difference(step[key], shown.get(key), key)
        if found:
            return found
    return None


def first_difference(expected: Any, actual: Any, path: str) -> str | None:
    """The first difference between two JSON values, and where under `path` it is, or None."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        # `also` lists what was observed; more may be known.
        keys = [*expected, *(() if path == "also" else (k for k in actual if k not in expected))]
        for key in keys:
            if key not in actual:
                return f"{path}.{key}: expected {_text(expected[key])}, got nothing"
            if key not in expected:
                return f"{path}.{key}: nothing expected, got {_text(actual[key])}"
            found = first_difference(expected[key], actual[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(expected, list) and isinstance(actual, list):
        for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
            found = first_difference(left, right, f"{path}[{index}]")
            if found:
                return found
        if len(expected) != len(actual):
            return f"{path}: expected {_text(expected)}, got {_text(actual)}"
        return None
    if _equal(expected, actual):
        return None
    return f"{path}: expected {_text(expected)}, got {_text(actual)}"


def _equal(expected: Any, actual: Any) -> bool:
    """Numbers by value. A flag must be one; Swift's recordings have a caller's flag as 1."""
    return expected is actual if isinstance(expected, bool) else bool(expected == actual)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
