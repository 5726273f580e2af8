"""Text that is a time, and how it is stored: UTC with milliseconds, as text.

Rules from the warehouse reference: `YYYY-MM-DD`, optionally with `T` or a space and `hh:mm`,
`hh:mm:ss`, a fraction, `Z` or an offset. No offset means UTC, fractions are cut, not rounded.
An impossible day rolls over to the start of the day that it stands for (30 February, whenever,
is 1 March, 00:00), as RudderStack's server has it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_TIME = re.compile(
    r"""(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])
        (?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?
           (?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?
        )?""",
    re.VERBOSE | re.ASCII,
)
_KEPT_MAX = 8192


def as_time(text: str) -> str | None:
    """`text` as a stored time (`2024-06-14T09:30:15.123Z`), or None if it is not a time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = match.groups()
    try:
        moment = datetime(int(year), int(month), 1) + timedelta(days=int(day) - 1)  # noqa: DTZ001
        if moment.month == int(month):
            moment = moment.replace(
                hour=int(hour or 0),
                minute=int(minute or 0),
                second=int(second or 0),
                microsecond=int(((fraction or "") + "000")[:3]) * 1000,
            )
            if sign:
                offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
                moment += offset if sign == "-" else -offset
    except (ValueError, OverflowError):  # year 0, or beyond the years 1 to 9999 in UTC
        return None
    return moment.isoformat(timespec="milliseconds") + "Z"


class _KnownTimes(dict[str, "str | None"]):
    """Texts seen lately and the times they are: events repeat theirs in several columns."""

    def __missing__(self, text: str) -> str | None:
        if len(self) >= _KEPT_MAX:
            self.clear()
        # An SDK's own form is its stored form, if it is a real date: spare it the long way.
        if len(text) == 24 and text[10] == "T" and text[4] == text[7] == "-" and text[19] == ".":
            try:
                datetime.fromisoformat(text)
            except ValueError:
                stored = as_time(text)
            else:
                stored = text if text[23] == "Z" else as_time(text)
        else:
            stored = as_time(text) if len(text) >= 10 else None
        self[text] = stored
        return stored


KNOWN_TIMES = _KnownTimes()
"""`KNOWN_TIMES[text]` is `as_time(text)`, remembered."""
