"""Durations as people write them: `30m`, `24h`, `1.5 s`, `500 ms`, `90` (seconds)."""

from __future__ import annotations

import re

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?\s*")


def parse_duration(value: str | float) -> int:
    """Milliseconds of a duration; a bare number is seconds. Raises `ValueError` with the fix."""
    if isinstance(value, bool):
        raise ValueError("is true or false, not a duration; write for example 30m, 24h or 1.5s")
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError("is negative; write for example 30m, 24h or 1.5s")
        return round(value * 1000)
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(f"'{value}' is not a duration; write for example 30m, 24h, 7d or 1.5s")
    number, unit = match.groups()
    return round(float(number) * _UNITS_MS[unit or "s"])


def format_duration(ms: float) -> str:
    """The shortest exact way to write a duration: 1800000 is `30m`."""
    for unit in ("d", "h", "m", "s"):
        if ms >= _UNITS_MS[unit] and ms % _UNITS_MS[unit] == 0:
            return f"{int(ms // _UNITS_MS[unit])}{unit}"
    return f"{ms:g}ms"
