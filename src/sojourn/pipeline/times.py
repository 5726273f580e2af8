"""Times on the wire: a lenient parser for what senders write, one format for what we write.

Source of the rules: rudder-server's processor, which takes any common notation as text,
ignores numbers, and writes RFC 3339 in UTC with milliseconds. A time without an offset is UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dateutil import parser as dateutil_parser

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (all times here are UTC without saying so)
_LONGEST = 64
_EPOCH_DIGITS = {10: 1_000_000, 13: 1_000, 16: 1}
"""Texts of so many digits are seconds, milliseconds, microseconds: microseconds per unit."""
_DEFAULTS = (datetime(2001, 1, 1), datetime(2004, 2, 2))  # noqa: DTZ001


def parse_time(text: str) -> datetime | None:
    """The instant that `text` names, as a UTC datetime without tzinfo; None if it names none."""
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return _parse_odd(text)


def parse_canonical(text: str) -> datetime | None:
    """As `parse_time`, for text that is written as `time_text` writes; None for any other."""
    if (
        len(text) == 24
        and text[10] == "T"
        and text[19] == "."
        and text[23] == "Z"
        and text[4] == text[7] == "-"
    ):
        try:
            return datetime.fromisoformat(text[:23])
        except ValueError:
            return None
    return None


def time_text(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`; finer digits are cut off."""
    return moment.isoformat(timespec="milliseconds") + "Z"


def from_ms(milliseconds: int) -> datetime:
    """The UTC datetime of milliseconds since the Unix epoch."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def _parse_odd(text: str) -> datetime | None:
    text = text.strip()
    if not 6 <= len(text) <= _LONGEST:
        return None
    try:
        if text.isdecimal() and len(text) in _EPOCH_DIGITS:
            return _EPOCH + timedelta(microseconds=int(text) * _EPOCH_DIGITS[len(text)])
        # What the text leaves out would come from the default: two defaults tell.
        first, second = (
            dateutil_parser.parse(text, default=default, tzinfos=_offset) for default in _DEFAULTS
        )
        return _utc(first) if first.date() == second.date() else None
    except (ValueError, OverflowError, TypeError, ArithmeticError, AttributeError):
        return None


def _offset(name: str | None, seconds: int | None) -> int | None:
    """Names of time zones are ambiguous, and this machine's own must not matter: offsets only."""
    return seconds
