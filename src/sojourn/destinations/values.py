"""Values of an event as the vendors' own mappings read them: paths, truth, text, time.

"Truthy" is JavaScript's word, since the mappings are those of RudderStack's transformer:
not missing, null, `""`, 0 or false; an empty object or array is truthy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dateutil import parser as _dates

SAFE_INTEGER = 2**53
"""Beyond this a number is a double and no longer exact."""


def truthy(value: Any) -> bool:
    """Whether JavaScript would take `value` for true."""
    return bool(value) or isinstance(value, (dict, list))


def child(value: Any, key: str) -> Any:
    """The member `key` of an object, or element of an array; None if there is none."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdecimal():
        index = int(key)
        return value[index] if index < len(value) else None
    return None


def at(value: Any, path: str) -> Any:
    """The value at a dotted path, None if there is none. A key that holds dots is found too."""
    if isinstance(value, dict) and path in value:
        return value[path]
    for key in path.split("."):
        value = child(value, key)
        if value is None:
            return None
    return value


def holds(value: Any, path: str) -> bool:
    """Whether something stands at a dotted path, be it null."""
    if isinstance(value, dict) and path in value:
        return True
    *parents, last = path.split(".")
    for key in parents:
        value = child(value, key)
    return isinstance(value, dict) and last in value


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path, making objects on the way."""
    *parents, last = path.split(".")
    for key in parents:
        inner = target.get(key)
        if not isinstance(inner, dict):
            inner = target[key] = {}
        target = inner
    target[last] = value


def drop(target: Any, path: str) -> None:
    """Remove what is at a dotted path, if it is there."""
    if isinstance(target, dict) and path in target:
        del target[path]
        return
    *parents, last = path.split(".")
    for key in parents:
        target = child(target, key)
    if isinstance(target, dict):
        target.pop(last, None)


def text(value: Any) -> str:
    """A value as JavaScript writes it in text: `5.0` is `5`, an array its elements with commas."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number_text(value)
    if isinstance(value, list):
        return ",".join("" if item is None else text(item) for item in value)
    return "[object Object]"


def _number_text(value: float) -> str:
    if isinstance(value, int) and -SAFE_INTEGER <= value <= SAFE_INTEGER:
        return str(value)
    double = float(value)
    if double.is_integer() and abs(double) < 1e21:
        return str(int(double))
    return repr(double).replace("e+0", "e+").replace("e-0", "e-")


def exact(value: int) -> int | float:
    """An integer as a JSON number: itself while a double holds it exactly, else the double."""
    return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else float(value)


def epoch_ms(stamp: Any) -> int | None:
    """A time stamp as milliseconds since the Unix epoch, fractions dropped; None if it is none.

    ISO 8601 with or without offset (none: UTC), other usual notations, or a number of ms.
    """
    if stamp.__class__ is str:
        moment = _moment(stamp)
        if moment is None:
            return None
        whole = math.floor(moment.replace(microsecond=0).timestamp())
        return whole * 1000 + moment.microsecond // 1000
    if isinstance(stamp, (int, float)) and not isinstance(stamp, bool):
        return int(stamp)
    return None


def _moment(stamp: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        if not any(character.isdigit() for character in stamp):
            return None
        try:
            moment = _dates.parse(stamp)
        except (ValueError, OverflowError):
            return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def iso_ms(milliseconds: int) -> str:
    """Milliseconds since the Unix epoch in ISO 8601, UTC, with three decimals and `Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{rest:03d}Z"


def traits_of(event: Mapping[str, Any]) -> Any:
    """`traits`, else `context.traits`: the first that is truthy."""
    traits = event.get("traits")
    if traits or isinstance(traits, (dict, list)):
        return traits
    traits = child(event.get("context"), "traits")
    return traits if truthy(traits) else None
