"""Journeys: the paths from or to an anchor as columns, and the matrix of transitions."""

from __future__ import annotations

from typing import Any

from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.comparison import COMPARE, compared
from sojourn.insights.reports.parameters import COMMON, LIMIT
from sojourn.insights.reports.selection import Selection
from sojourn.insights.reports.sets import journey_sql, journey_values, pack

_EVENTS = Parameter("events", "what makes a step: views, or every event", "views", ("views", "all"))

JOURNEYS = ReportSpec(
    "journeys",
    "Journeys",
    "Links between the columns of a Sankey diagram: repeats in a row count once, rare nodes of a "
    "column are (other), ended sessions stay at (exit), so every column sums to the sessions "
    "(with an anchor: to those that meet it). `extra.columns`: the nodes of each column.",
    (
        Parameter("anchor", "node to start from; empty: the entry (or exit, backward)"),
        Parameter("direction", "from the anchor, or to it", "forward", ("forward", "backward")),
        Parameter("steps", "columns beside the anchor, 1 to 20", "5"),
        Parameter("top", "nodes in a column before (other)", "8"),
        _EVENTS,
        *COMMON,
        COMPARE,
    ),
)
TRANSITIONS = ReportSpec(
    "transitions",
    "Transitions",
    "How often one node follows another directly, repeats in a row counted once, with (entry) and "
    "(exit); `share` is of all that follows the source.",
    (_EVENTS, *COMMON, LIMIT),
)


def journeys(ask: Ask) -> Report:
    """The links of the columns; with `compare` beside those of another period or segment."""
    direction = ask.choice("direction")
    asked: dict[str, Any] = {
        "anchor": ask["anchor"],
        "direction": direction,
        "events": ask.choice("events"),
        "depth": ask.number("steps", 1, 20),
        "top": ask.number("top", 1, 100),
    }
    values = journey_values(**asked)
    rows = _links(ask, direction, values, ask.selection)
    names = ["step", "source", "target", "sessions", "share"]
    other = compared(ask)
    if other:
        before = {tuple(row[:3]): row[3:] for row in _links(ask, direction, values, other)}
        rows = [[*row, *before.get(tuple(row[:3]), [0, 0.0])] for row in rows]
        rows = [[*row, row[4] - row[6]] for row in rows]
        names += ["sessions_before", "share_before", "difference"]
    behind = [
        ask.selection.behind(journey=pack(**asked, step=row[0], node=row[1], next=row[2]))
        for row in rows
    ]
    total = sum(row[3] for row in rows if row[0] == 0)
    return ask.report(names, rows, behind, columns=_columns(rows), total=total)


def _links(
    ask: Ask, direction: str, values: dict[str, Any], selection: Selection
) -> list[list[Any]]:
    _, rows = ask.rows(journey_sql("links", direction), selection, **values)
    total = sum(row[3] for row in rows if row[0] == 0)
    return [[*row, row[3] / total] for row in rows]


def _columns(rows: list[list[Any]]) -> list[dict[str, int]]:
    """The nodes of each column with their sessions."""
    columns: list[dict[str, int]] = []
    for step, source, target, sessions, *_ in rows:
        while len(columns) < step + 2:
            columns.append({})
        if step == 0:
            columns[0][source] = columns[0].get(source, 0) + sessions
        columns[step + 1][target] = columns[step + 1].get(target, 0) + sessions
    return columns


def transitions(ask: Ask) -> Report:
    """The matrix as rows."""
    events = ask.choice("events")
    names, rows = ask.rows(journey_sql("transitions", "forward"), journey_events=events)
    kept = rows[: ask.number("limit", 1)]
    behind = [
        ask.selection.behind(transition=pack(events=events, node=row[0], next=row[1]))
        for row in kept
    ]
    return ask.report(names, kept, behind, rest=len(rows) - len(kept))


REPORTS = ((JOURNEYS, journeys), (TRANSITIONS, transitions))
