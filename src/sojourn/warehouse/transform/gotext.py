"""Values as text in the form that RudderStack's tables have: Go's `%v`."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any


def go_float(value: float) -> str:
    """A float by Go's `%v`: shortest digits, an exponent below 1e-4 and from 1e6 on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) - 1 + int(exponent) if value else 0
    minus = "-" if sign else ""
    if -4 <= power < 6:
        point = power + 1
        if point <= 0:
            return f"{minus}0.{'0' * -point}{text}"
        whole, fraction = text[:point].ljust(point, "0"), text[point:]
        return f"{minus}{whole}.{fraction}" if fraction else f"{minus}{whole}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"


def go_text(value: Any) -> str:
    """Any JSON value by Go's `%v`; within lists and objects every number is a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _inner(value)


def _inner(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return go_float(float(value))
    if isinstance(value, list):
        return f"[{' '.join(map(_inner, value))}]"
    if isinstance(value, dict):
        entries = (f"{key}:{_inner(entry)}" for key, entry in sorted(value.items()))
        return f"map[{' '.join(entries)}]"
    return str(value)
