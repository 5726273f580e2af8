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
    asked = {
        "steps": steps,
        "within": ask.number("within", 1, 1000),
        "strict": ask.choice("strict") == "yes",
        "exclude": ask.names("exclude"),
    }
    values = funnel_values(steps, asked["within"], asked["strict"], asked["exclude"])  # type: ignore[arg-type]
    ask.rows(_SQL["keep"].replace("{{depths}}", funnel_sql(len(steps))), **values)
    found = {row[0]: row[1:] for row in ask.rows(_SQL["steps"])[1]}
    following = ask.rows(_SQL["next"], funnel_length=len(steps))[1]
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
