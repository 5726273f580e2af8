"""The figures: all at a glance, over time, and by a property of sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.comparison import COMPARE, compared
from sojourn.insights.reports.parameters import COMMON, EQUAL, LIMIT
from sojourn.insights.reports.periods import text_of
from sojourn.insights.reports.sets import SETS
from sojourn.insights.sql import queries

_SQL = queries("queries/summary.sql")

_BEHIND: dict[str, dict[str, str]] = {
    "new_sessions": {"new": "yes"},
    "returning_sessions": {"new": "no"},
    "counted_sessions": {"counted": "yes"},
    "engaged_sessions": {"engaged": "yes"},
    "bounced_sessions": {"bounced": "yes"},
    "classic_bounces": {"classic_bounce": "yes"},
    "viewed_sessions": {"viewed": "yes"},
    "converted_sessions": {"converted": "yes"},
    "errored_sessions": {"errored": "yes"},
}
"""Counts of sessions, and what narrows the selection to them."""

_METRICS: tuple[tuple[str, str, str], ...] = (
    ("sessions", "count", "sessions"),
    ("people", "count", "sessions"),
    ("new_sessions", "count", "new_sessions"),
    ("returning_sessions", "count", "returning_sessions"),
    ("counted_sessions", "count", "counted_sessions"),
    ("engaged_sessions", "count", "engaged_sessions"),
    ("engagement_rate", "ratio", "engaged_sessions"),
    ("bounced_sessions", "count", "bounced_sessions"),
    ("bounce_rate", "ratio", "bounced_sessions"),
    ("classic_bounces", "count", "classic_bounces"),
    ("duration_mean", "seconds", "sessions"),
    ("duration_median", "seconds", "sessions"),
    ("duration_p90", "seconds", "sessions"),
    ("engaged_mean", "seconds", "sessions"),
    ("engaged_median", "seconds", "sessions"),
    ("views", "count", "viewed_sessions"),
    ("views_per_session", "number", "sessions"),
    ("events", "count", "sessions"),
    ("conversions", "count", "converted_sessions"),
    ("converted_sessions", "count", "converted_sessions"),
    ("conversion_rate", "ratio", "converted_sessions"),
    ("revenue", "money", "converted_sessions"),
    ("errored_sessions", "count", "errored_sessions"),
)
"""Metric, unit, and the count of the sessions behind it."""

OVERVIEW = ReportSpec(
    "overview",
    "Overview",
    "Every metric of the chosen sessions. Engaged: 10 s of engaged time, or two views, or a "
    "conversion. Bounce rate: 1 - engaged / sessions with a view or activity. `sessions` is how "
    "many sessions stand behind a metric; rates have those of their numerator.",
    (*COMMON, *SETS, COMPARE),
)
TREND = ReportSpec(
    "trend",
    "Trend",
    "The metrics per hour, day, week or month in the zone, by the start of sessions.",
    (
        Parameter("unit", "length of a step", "day", ("hour", "day", "week", "month")),
        *COMMON,
        *SETS,
    ),
)
BREAKDOWN = ReportSpec(
    "breakdown",
    "Breakdown",
    "The metrics by a property of sessions, largest first.",
    (
        Parameter("by", "the property", "channel", ("source", *EQUAL)),
        *COMMON,
        *SETS,
        LIMIT,
        COMPARE,
    ),
)
_MOST_STEPS = 2000
_SECONDS = {"hour": 3600, "day": 86400, "week": 604800, "month": 2592000}


def overview(ask: Ask) -> Report:
    """All metrics; with `compare` beside those of another period or segment."""
    columns, [row] = ask.rows(_SQL["overview"])
    values = dict(zip(columns, row, strict=True))
    other = compared(ask)
    before: dict[str, Any] = {}
    if other:
        before = dict(zip(columns, ask.rows(_SQL["overview"], other)[1][0], strict=True))
    rows, behind = [], []
    for metric, unit, counted in _METRICS:
        line = [metric, values[metric], unit, values[counted]]
        if other:
            line += [before[metric], change(values[metric], before[metric]), before[counted]]
        rows.append(line)
        behind.append(ask.selection.behind(**_BEHIND.get(counted, {})))
    names = ["metric", "value", "unit", "sessions"]
    extra: dict[str, Any] = {}
    if other:
        names += ["before", "change", "sessions_before"]
        extra["behind_before"] = [other.behind(**_BEHIND.get(m[2], {})) for m in _METRICS]
    return ask.report(names, rows, behind, **extra)


def change(value: float | None, before: float | None) -> float | None:
    """The relative change, 0.5 for half as much again; None where there is none."""
    if value is None or not before:
        return None
    return (value - before) / abs(before)


def trend(ask: Ask) -> Report:
    """The metrics per step of time."""
    unit = ask.choice("unit")
    period = ask.selection.period
    if (period.end - period.start).total_seconds() / _SECONDS[unit] > _MOST_STEPS:
        raise InvalidSettings(f"unit: {unit} gives over {_MOST_STEPS} steps; take a longer one")
    columns, rows = ask.rows(_SQL["trend"], unit=unit)
    behind = [ask.selection.behind(from_=text_of(row[-2]), to=text_of(row[-1])) for row in rows]
    return ask.report(columns[:-2], [row[:-2] for row in rows], behind, narrow=_narrowed(columns))


def breakdown(ask: Ask) -> Report:
    """The metrics by a property; what is beyond `limit` goes into `extra["rest"]`."""
    by = ask.choice("by")
    column = "source_id" if by == "source" else EQUAL[by][0]
    sql = _SQL["breakdown"].replace("{{column}}", column)
    columns, rows = ask.rows(sql)
    limit = ask.number("limit", 1)
    kept = [list(row) for row in rows[:limit]]
    behind = [ask.selection.behind(**{by: row[0]}) for row in kept]
    other = compared(ask)
    if other:
        before = {row[0]: row for row in ask.rows(sql, other)[1]}
        columns = [*columns, "sessions_before", "change"]
        for row in kept:
            earlier = before.get(row[0], (None, 0))[1]
            row += [earlier, change(row[1], earlier)]
    rest = rows[limit:]
    return ask.report(
        columns, kept, behind,
        rest={"values": len(rest), "sessions": sum(row[1] for row in rest)},
        narrow=_narrowed(columns),
    )  # fmt: skip


def _narrowed(columns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """For columns that count some of a row's sessions: what narrows the row's to them."""
    return {name: _BEHIND[name] for name in columns if name in _BEHIND}


REPORTS = ((OVERVIEW, overview), (TREND, trend), (BREAKDOWN, breakdown))
