"""Values of an event as the vendors' own mappings read them: paths, truth, text, time.

"Truthy" is JavaScript's word, since the mappings are those of RudderStack's transformer:
not missing, null, `""`, 0 or false; an empty object or array is truthy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dateutil import parser as _dates

_YEAR_OR_MONTH = re.compile(r"\d{4}(-\d\d)?")
_TWO_YEARS = (datetime(2001, 1, 1), datetime(2002, 1, 1))  # noqa: DTZ001
"""What fills in a date that lacks parts: it is one only if the year does not come from here."""
_LAST_MS = 8_640_000_000_000_000
"""The last instant that JavaScript's dates know, either way from 1970."""
SAFE_INTEGER = 2**53
"""Beyond this a number is a double and no longer exact."""
_LONGEST_PLAIN = 21
"""Most digits before the point that JavaScript writes without an exponent."""
_MOST_ZEROS = 6
"""As many zeros behind the point it writes without one, or fewer."""


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
    if isinstance(value, list):
        return last.isdecimal() and int(last) < len(value)
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
    """The shortest digits that mean the double; with an exponent from 1e21 and below 1e-6."""
    if isinstance(value, int) and -SAFE_INTEGER <= value <= SAFE_INTEGER:
        return str(value)
    double = _double(value)
    if not math.isfinite(double):
        return "NaN" if math.isnan(double) else "Infinity" if double > 0 else "-Infinity"
    _, parts, exponent = Decimal(repr(abs(double))).normalize().as_tuple()
    digits = "".join(map(str, parts))
    point = len(digits) + int(exponent)
    if 0 < point <= _LONGEST_PLAIN:
        whole = digits[:point].ljust(point, "0")
        shown = f"{whole}.{digits[point:]}" if len(digits) > point else whole
    elif -_MOST_ZEROS < point <= 0:
        shown = "0" if double == 0 else f"0.{'0' * -point}{digits}"
    else:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        shown = f"{digits[0]}{rest}e{point - 1:+d}"
    return f"-{shown}" if double < 0 else shown


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def exact(value: int) -> int | float:
    """An integer as a JSON number: itself while a double holds it exactly, else the double."""
    return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else _double(value)


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
        return int(stamp) if abs(stamp) <= _LAST_MS else None
    return None


def _moment(stamp: str) -> datetime | None:
    short = _YEAR_OR_MONTH.fullmatch(stamp)
    try:
        moment = datetime.fromisoformat(f"{stamp}-01-01"[:10] if short else stamp)
    except ValueError:
        found = _other_notation(stamp)
        if found is None:
            return None
        moment = found
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _other_notation(stamp: str) -> datetime | None:
    """A date in words or with slashes. Digits alone are none, nor is what names no year."""
    digits = sum(character.isdigit() for character in stamp)
    if digits in (0, len(stamp)):
        return None
    try:
        found, again = (_dates.parse(stamp, default=default) for default in _TWO_YEARS)
    except (ValueError, OverflowError):
        return None
    return found if found == again else None


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
