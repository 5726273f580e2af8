"""Sizes as people write and read them: `500MB`, `20 GB`, `4096000` (bytes)."""

from __future__ import annotations

_UNITS = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3}


def parse_size(value: str | int) -> int:
    """Bytes of a size; a bare number is bytes. Raises `ValueError` with the fix."""
    text = str(value).strip().upper()
    factor = 1
    for unit, bytes_of_it in _UNITS.items():
        if text.endswith(unit):
            text, factor = text.removesuffix(unit), bytes_of_it
            break
    try:
        number = float(text) if factor > 1 else int(text)
        if isinstance(value, bool) or not 0 <= number < 2**63 / factor:
            raise ValueError
    except ValueError:
        raise ValueError(f"is {value!r}, not a size; write for example 500MB or 20GB") from None
    return int(number * factor)


def format_size(size: int) -> str:
    """Bytes as people read them: `1.5 GB`."""
    for unit, bytes_of_it in _UNITS.items():
        if size >= bytes_of_it and unit != "KB":
            return f"{size / bytes_of_it:.1f} {unit}"
    return f"{size / 1000:.1f} kB"
