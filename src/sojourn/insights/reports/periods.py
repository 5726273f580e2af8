"""Periods as text: dates, instants, `7d` (ago), `today`, `now`; half-open, in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sojourn.core.errors import InvalidSettings

_AGO = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
HELP = "a date, an instant (ISO 8601), `today`, `now`, or how long ago: 30m, 24h, 7d, 4w"


class Period(NamedTuple):
    """From `start` (included) to `end` (not included); UTC without a zone, as in the tables."""

    start: datetime
    end: datetime

    def before(self) -> Period:
        """The period of the same length that ends where this one starts."""
        return Period(self.start - (self.end - self.start), self.start)


def zone_of(text: str) -> ZoneInfo:
    """The zone of an IANA name; UTC for the empty text."""
    try:
        return ZoneInfo(text or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSettings(f"zone: '{text}' is no time zone; try Europe/Paris or UTC") from None


def instant(name: str, text: str, now: datetime, zone: ZoneInfo, *, is_end: bool) -> datetime:
    """The instant that a text means, UTC without a zone. A date as an end includes its day."""
    found = text.strip().lower()
    if found == "now":
        return now + timedelta(milliseconds=1) if is_end else now
    if ago := _AGO.fullmatch(found):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        if found == "today":
            return _midnight(now.replace(tzinfo=UTC).astimezone(zone).date(), zone, is_end)
        if len(found) == 10:
            return _midnight(date.fromisoformat(found), zone, is_end)
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise InvalidSettings(f"{name}: '{text}' is no time; give {HELP}") from None


def _midnight(day: date, zone: ZoneInfo, is_end: bool) -> datetime:
    day = day + timedelta(days=1) if is_end else day
    return datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)


def text_of(moment: datetime) -> str:
    """An instant as parameters carry it."""
    return moment.isoformat(timespec="milliseconds") + "Z"
