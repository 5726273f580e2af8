"""Numbers as the official SDKs take them: session ids and timeouts given by callers."""

from __future__ import annotations

import json
from math import isfinite, isnan
from typing import Any, Optional

from sojourn.core.policy import Ids, Policy, Timeouts

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode
NEVER_MS = 8_640_000_000_000_000
"""A timeout that no clock reaches: the last instant that JavaScript's `Date` knows."""
DEFAULT_CUT_OFF_MS = 43_200_000
_SOME_CLOCK = 1_700_000_000_000
_SHORTEST_ID = 10
"""Characters of the number as text, a minus sign included."""
_INTEGER_TEXT_BELOW = 10**21
"""JavaScript prints whole numbers from here up with an exponent."""


def whole(value: Any) -> Optional[int]:
    """The number that JavaScript's `Number.isInteger` accepts, as an int; else None.

    `600000.0` is one; `True`, texts and fractions are none. Beyond 2^53 it is the double
    that JavaScript would hold.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        if abs(value) <= 1 << 53:
            return value
        try:
            return int(float(value))
        except OverflowError:
            return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def javascript_length(number: int) -> int:
    """How many characters JavaScript prints a whole number with: 10^21 is `1e+21`."""
    if abs(number) < _INTEGER_TEXT_BELOW:
        return len(str(number))
    return len(repr(float(number)))


def accepted_id(value: Any, ids: Ids) -> Optional[int]:
    """The session id that a caller gave, or None if the platform refuses it."""
    if ids is Ids.JAVASCRIPT or ids is Ids.JAVASCRIPT_POSITIVE:
        number = whole(value)
        if number is None or javascript_length(number) < _SHORTEST_ID:
            return None
        return number if number > 0 or ids is Ids.JAVASCRIPT else None
    if isinstance(value, bool) or not isinstance(value, int) or len(str(value)) < _SHORTEST_ID:
        return None
    low, high = (0, 1 << 64) if ids is Ids.UNSIGNED_64 else (-(1 << 63), 1 << 63)
    return value if low <= value < high else None


def checked_timeout(value: Any, policy: Policy, auto_track: bool) -> tuple[int, bool]:
    """The timeout in milliseconds, and whether it turns automatic tracking off."""
    default = policy.default_timeout_ms
    if value is None:
        return policy.timeout_ms, False
    rule = policy.timeouts
    if rule is Timeouts.JAVASCRIPT_SUM:
        return _javascript_sum(value, default), value == 0 and not isinstance(value, bool)
    if rule is Timeouts.DEFAULT_IF_ODD and not auto_track:
        return default, False
    number = whole(value)
    if number is None:
        return default, False
    if rule is Timeouts.AS_IS:
        return number, False
    if number < 0:
        return default, False
    return number, number == 0 and rule is Timeouts.DEFAULT_IF_ODD


def _javascript_sum(value: Any, default: int) -> int:
    """What `clock + value` adds to the clock in JavaScript, where a text is appended to it.

    What is no number is not taken. Appended digits make an expiry that never comes; a sum
    that is no number makes one that has always come.
    """
    if isinstance(value, list):
        value = str(value[0]) if len(value) == 1 else "no number" if value else ""
    if isinstance(value, float) and not isfinite(value):
        return default if isnan(value) else NEVER_MS if value > 0 else -NEVER_MS
    if isinstance(value, (bool, int, float)):
        return int(max(-NEVER_MS, min(NEVER_MS, value // 1)))
    if not isinstance(value, str) or _number_of(value) is None:
        return default
    total = _number_of(str(_SOME_CLOCK) + value)
    if total is None:
        return -NEVER_MS
    return int(total - _SOME_CLOCK) if total < 2 * _SOME_CLOCK else NEVER_MS


def _number_of(text: str) -> Optional[float]:
    """JavaScript's `Number(text)`, as far as timeouts need it; None: not a number."""
    text = text.strip()
    try:
        return float(text or "0") if "_" not in text else None
    except ValueError:
        return None


def checked_cut_off(value: Any, timeout_ms: int) -> Optional[int]:
    """The maximum duration in milliseconds; None: shorter than the timeout, not used."""
    number = whole(value)
    if number is None or number < 0:
        return DEFAULT_CUT_OFF_MS
    return number if number >= timeout_ms else None


def person(value: Any) -> Optional[str]:
    """The user id that `identify` was given, as text; None: none was (null, or traits only)."""
    if value is None or isinstance(value, (str, dict)):
        return value if isinstance(value, str) else None
    number = whole(value)
    return _COMPACT(value) if number is None else str(number)
