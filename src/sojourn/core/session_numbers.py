"""Numbers as the official SDKs take them: session ids and timeouts given by callers."""

from __future__ import annotations

from typing import Any, Optional

from sojourn.core.policy import Ids, Policy, Timeouts

NEVER_MS = 8_640_000_000_000_000
"""A timeout that no clock reaches: the last instant that JavaScript's `Date` knows."""
DEFAULT_CUT_OFF_MS = 43_200_000
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
    """What `clock + value` comes to in JavaScript: a text is appended, so it never passes."""
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        return int(value // 1) if abs(value) < NEVER_MS else NEVER_MS
    return NEVER_MS if isinstance(value, (str, list)) else default


def checked_cut_off(value: Any, timeout_ms: int) -> Optional[int]:
    """The maximum duration in milliseconds; None: shorter than the timeout, not used."""
    number = whole(value)
    duration = DEFAULT_CUT_OFF_MS if number is None or number < 0 else number
    return duration if duration >= timeout_ms else None


def person(value: Any) -> Optional[str]:
    """The user id that `identify` was given, as text; None: none was (null, or traits only)."""
    if value is None or isinstance(value, (dict, list)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    number = whole(value)
    return str(value if number is None else number)
