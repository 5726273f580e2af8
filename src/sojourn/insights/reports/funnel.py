"""Funnels: steps in order, in one session or over several of a person, and what drop-offs did."""

from __future__ import annotations

from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import COMMON
from sojourn.insights.reports.sets import funnel_sql, funnel_values, pack
from sojourn.insights.sql import queries

_SQL = queries("queries/funnels.sql")
MOST_STEPS = 20

FUNNEL = ReportSpec(
    "funnel",
    "Funnel",
    "Steps in order, others may come between. One attempt per session, from its first match of "
    "step 1. `of_first` is k / 1, `of_previous` k / (k - 1); `dropped` reached this step and not "
    "the next. `extra.dropped`: their sessions, and what they did next.",
    (
        Parameter("steps", "nodes or event names, in order, separated by |; * matches anything"),
        Parameter("within", "sessions of a person that an attempt may span", "1"),
        Parameter("strict", "nothing may come between steps", "no", ("yes", "no")),
        Parameter("exclude", "nodes or events that void an attempt, separated by |"),
        *COMMON,
    ),
)


def funnel(ask: Ask) -> Report:
    """How far sessions get. Raises `InvalidSettings` without at least two steps."""
    steps = ask.names("steps")
    if not 2 <= len(steps) <= MOST_STEPS:
        raise InvalidSettings(f"steps: give 2 to {MOST_STEPS} nodes or events, separated by |")
    within, is_strict = ask.number("within", 1, 1000), ask.choice("strict") == "yes"
    exclude = ask.names("exclude")
    asked = {"steps": steps, "within": within, "strict": is_strict, "exclude": exclude}
    sql = f"{funnel_sql(len(steps), within, is_strict, exclude)},\n{_SQL['report']}"
    values = funnel_values(steps, within, exclude)
    lines = ask.rows(sql, funnel_length=len(steps), **values)[1]
    found = {row[0]: row[2:] for row in lines if row[1] is None}
    following = [row[:3] for row in lines if row[1] is not None]
    rows: list[list[Any]] = []
    behind, dropped = [], []
    for k, step in enumerate(steps, 1):
        reached, median, p90 = found.get(k, (0, None, None))
        after = found.get(k + 1, (0,))[0]
        first, previous = found.get(1, (0,))[0], found.get(k - 1, (0,))[0] if k > 1 else reached
        lost = reached - after if k < len(steps) else 0
        rows.append([k, step, reached, _ratio(reached, first), _ratio(reached, previous),
                     lost, median, p90])  # fmt: skip
        behind.append(ask.selection.behind(funnel=pack(**asked, reached=k)))
        if k < len(steps):
            missed = ask.selection.behind(funnel=pack(**asked, reached=k, missed=k + 1))
            then = [{"node": row[1], "sessions": row[2]} for row in following if row[0] == k]
            dropped.append({"step": k, "sessions": lost, "behind": missed, "next": then})
    names = ["step", "node", "sessions", "of_first", "of_previous", "dropped"]
    names += ["median_seconds", "p90_seconds"]
    return ask.report(names, rows, behind, dropped=dropped)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


REPORTS = ((FUNNEL, funnel),)
