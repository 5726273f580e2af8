"""Journeys: the paths from or to an anchor as columns, and the matrix of transitions."""

from __future__ import annotations

from typing import Any

from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.comparison import COMPARE, compared
from sojourn.insights.reports.parameters import COMMON, LIMIT
from sojourn.insights.reports.selection import Selection
from sojourn.insights.reports.sets import journey_values, pack
from sojourn.insights.reports.walks import MOST_STEPS, links_sql, transitions_sql

_OTHER = "(other)"
_NOBODY = (0, 0.0)
_EVENTS = Parameter("events", "what makes a step: views, or every event", "views", ("views", "all"))

JOURNEYS = ReportSpec(
    "journeys",
    "Journeys",
    "Links between the columns of a Sankey diagram: repeats in a row count once, rare nodes of a "
    "column are (other), ended sessions stay at (exit), so every column sums to the sessions "
    "(with an anchor: to those that meet it). `extra.columns`: the nodes of each column. Compared "
    "with others, both have the same nodes in a column; `difference` is that of the shares.",
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
        "depth": ask.number("steps", 1, MOST_STEPS),
        "top": ask.number("top", 1, 100),
    }
    values = journey_values(asked["anchor"], direction, asked["top"])
    sql = links_sql(direction, asked["events"], asked["depth"], anchored=bool(asked["anchor"]))
    names = ["step", "source", "target", "sessions", "share"]
    extra: dict[str, Any] = {}
    other = compared(ask)
    kept: list[str] = []
    if other:
        # The nodes of a column are the most frequent ones of either side.
        half = values | {"journey_top": asked["top"] // 2 + 1}
        found = [_links(ask, sql, half, each) for each in (ask.selection, other)]
        kept = _kept([row for rows in found for row in rows], values["journey_end"])
        values["journey_kept"] = kept
    rows = _links(ask, sql, values, ask.selection)
    if other:
        theirs = _links(ask, sql, values, other)
        rows = _beside(rows, theirs)
        names += ["sessions_before", "share_before", "difference"]
        extra["total_before"] = sum(row[3] for row in theirs if row[0] == 0)
        extra["columns_before"] = _columns(theirs)
        extra["behind_before"] = [
            other.behind(journey=pack(**asked, **_link(row, kept))) for row in rows
        ]
    behind = [ask.selection.behind(journey=pack(**asked, **_link(row, kept))) for row in rows]
    total = sum(row[3] for row in rows if row[0] == 0)
    return ask.report(names, rows, behind, columns=_columns(rows), total=total, **extra)


def _link(row: list[Any], kept: list[str]) -> dict[str, Any]:
    """What tells which sessions take the link."""
    facts = {"step": row[0], "node": row[1], "next": row[2]}
    return facts | {"kept": _needed(kept, row)} if kept else facts


def _kept(rows: list[list[Any]], end: str) -> list[str]:
    """What stands in the columns by its own name, as `step node`; never empty."""
    nodes = {f"{row[0] + 1} {row[2]}" for row in rows if row[2] not in (_OTHER, end)}
    return sorted(nodes) or [""]


def _needed(kept: list[str], row: list[Any]) -> list[str]:
    """As much of `kept` as tells which sessions take the link: all of a column for its (other)."""
    needed: list[str] = []
    for step, node in ((row[0], row[1]), (row[0] + 1, row[2])):
        named = f"{step} {node}"
        needed += [
            one for one in kept if one == named or (node == _OTHER and one.startswith(f"{step} "))
        ]
    return needed or [""]


def _beside(ours: list[list[Any]], theirs: list[list[Any]]) -> list[list[Any]]:
    """The links of both, each with the other's sessions and share, and the difference."""
    mine, before = ({tuple(row[:3]): row[3:] for row in rows} for rows in (ours, theirs))
    rows = [
        [*place, *mine.get(place, _NOBODY), *before.get(place, _NOBODY)]
        for place in dict.fromkeys([*mine, *before])
    ]
    rows.sort(key=lambda row: (row[0], -row[3], -row[5], row[1], row[2]))
    return [[*row, row[4] - row[6]] for row in rows]


def _links(ask: Ask, sql: str, values: dict[str, Any], selection: Selection) -> list[list[Any]]:
    _, rows = ask.rows(sql, selection, **values)
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
    names, rows = ask.rows(transitions_sql("transitions", events))
    kept = rows[: ask.number("limit", 1)]
    behind = [
        ask.selection.behind(transition=pack(events=events, node=row[0], next=row[1]))
        for row in kept
    ]
    return ask.report(names, kept, behind, rest=len(rows) - len(kept))


REPORTS = ((JOURNEYS, journeys), (TRANSITIONS, transitions))
