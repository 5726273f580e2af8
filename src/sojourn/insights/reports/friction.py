"""Friction: rage clicks, dead clicks, loops and other signs of trouble in plain events."""

from __future__ import annotations

from typing import Any

from sojourn.core.ports import Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import COMMON, LIMIT
from sojourn.insights.reports.selection import Selection
from sojourn.insights.reports.sets import pack
from sojourn.insights.sql import queries

_SQL = queries("queries/friction.sql")

FRICTION = ReportSpec(
    "friction",
    "Friction",
    "Rage click: 3 clicks on a target, each within 1 s. Dead click: nothing for 7 s after a click, "
    "then more. Error click: an error within 1 s of a click. Quick back: A, B, A with under 5 s on "
    "B. Retry loop: A, B, A, B or three views in a row. Stall: a gap over the 95th percentile of "
    "the transition, then the end. Error exit: the end within 30 s of an error. Abandoned form: "
    "started and not submitted. `extra.places`: where.",
    (*COMMON, LIMIT),
)


def friction(ask: Ask) -> Report:
    """One row per signal."""
    ask.rows(_SQL["keep"].replace("{{marks}}", _SQL["marks"]))
    names, rows = ask.rows(_SQL["signals"])
    behind = [ask.selection.behind(friction=pack(signal=row[0])) for row in rows]
    limit = ask.number("limit", 1)
    places: list[dict[str, Any]] = [
        {
            "signal": signal, "place": place, "sessions": sessions, "occurrences": occurrences,
            "behind": ask.selection.behind(friction=pack(signal=signal, place=place)),
        }
        for signal, place, sessions, occurrences in ask.rows(_SQL["places"], limit=limit)[1]
    ]  # fmt: skip
    return ask.report(names, rows, behind, places=places)


def marks_of(ask: Ask, selection: Selection) -> list[dict[str, Any]]:
    """The marks on the timeline of the chosen session."""
    columns, rows = ask.rows(f"{_SQL['marks']}\n{_SQL['of_session']}", selection)
    return [dict(zip(columns, row, strict=True)) for row in rows if row[1] != "stall"]


REPORTS = ((FRICTION, friction),)
