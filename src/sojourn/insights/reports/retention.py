"""Retention: how many people of a cohort come back, by their sessions or by an event."""

from __future__ import annotations

from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import COMMON
from sojourn.insights.reports.sets import COMPARISONS, pack
from sojourn.insights.sql import queries

_SQL = queries("queries/retention.sql")

RETENTION = ReportSpec(
    "retention",
    "Retention",
    "Cohorts of people by their first session, if it is among the chosen ones. `retained` came "
    "back in step n after it (n-day), or in n or later (rolling); `sessions` are theirs then.",
    (
        Parameter("unit", "cohorts and steps", "day", ("day", "week", "month")),
        Parameter("mode", "in step n, or in n and later", "n-day", tuple(COMPARISONS)),
        Parameter("event", "count only sessions with this event or node"),
        Parameter("steps", "steps to follow, 1 to 60", "14"),
        *COMMON,
    ),
)


def retention(ask: Ask) -> Report:
    """One row per cohort and step."""
    unit, mode = ask.choice("unit"), ask.choice("mode")
    sql = _SQL["retention"].replace("{{comparison}}", COMPARISONS[mode])
    names, rows = ask.rows(
        sql, unit=unit, steps=ask.number("steps", 1, 60), cohort_event=ask["event"]
    )
    asked = ask.selection.parameters
    around = {"from": asked["from"], "to": asked["to"], "zone": asked["zone"], "traffic": "all"}
    facts = {"unit": unit, "mode": mode, "event": ask["event"], "filters": dict(asked)}
    behind = [
        {**around, "cohort": pack(**facts, cohort=row[0].isoformat(), step=row[2])} for row in rows
    ]
    return ask.report(names, rows, behind)


REPORTS = ((RETENTION, retention),)
