"""What a figure is compared with: an earlier period, another period, or another segment."""

from __future__ import annotations

from datetime import timedelta

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import FILTERS
from sojourn.insights.reports.periods import Period, text_of
from sojourn.insights.reports.selection import Selection, select

COMPARE = Parameter(
    "compare",
    "`previous` (the period before), `week` or `year` (as long ago), FROM..TO, or a segment: "
    "name=value of a filter, several separated by &",
)
_NAMES = frozenset(parameter.name for parameter in FILTERS)
_AGO = {"week": timedelta(days=7), "year": timedelta(days=364)}


def compared(ask: Ask) -> Selection | None:
    """The sessions to compare with, None without. Raises `InvalidSettings` for a wrong text."""
    text = ask["compare"].strip()
    if not text:
        return None
    base = dict(ask.selection.parameters)
    period = ask.selection.period
    if text == "previous":
        return _within(base, period.before(), ask)
    if text in _AGO:
        return _within(base, Period(period.start - _AGO[text], period.end - _AGO[text]), ask)
    if ".." in text:
        start, _, end = text.partition("..")
        return select({**base, "from": start, "to": end}, ask.now)
    for pair in text.split("&"):
        name, mark, value = pair.partition("=")
        if not mark or name.strip() not in _NAMES:
            raise InvalidSettings(
                f"compare: '{pair}' is neither previous, week, year, FROM..TO nor name=value"
            )
        base[name.strip()] = value.strip()
    return select(base, ask.now)


def _within(base: dict[str, str], period: Period, ask: Ask) -> Selection:
    return select({**base, "from": text_of(period.start), "to": text_of(period.end)}, ask.now)
