"""Reports seen as the pages need them: the only place that knows the columns of each report."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup

from sojourn.console import figures as notation
from sojourn.console.asking import Asked
from sojourn.console.charts import Series, line_chart
from sojourn.console.sankey import Flow, sankey
from sojourn.console.saved import Note

WORSE_WHEN_HIGHER: Final = ("bounce", "error", "crash", "rage", "late", "dead_click")
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One figure of the overview with its comparison."""

    name: str
    shown: Markup | str
    href: str
    change: str = ""
    mood: str = ""
    before: str = ""


@dataclass(frozen=True)
class Moment:
    """One line of a session's timeline. `gap`: seconds of silence before it, if worth a line."""

    at: Markup | str
    kind: str
    name: str
    where: str
    marks: Sequence[str]
    details: Sequence[tuple[str, str]]
    gap: str = ""


@dataclass(frozen=True)
class Problem:
    """One card of the problems page."""

    id: str
    title: str
    numbers: Sequence[tuple[str, str]]
    href: str
    chart: Markup
    examples: Sequence[str]
    note: Note = field(default_factory=Note)


def figures(asked: Asked) -> list[Figure]:
    """The overview's figures, in the report's order."""
    return [_figure(record) for record in asked.records]


def _figure(record: Record) -> Figure:
    name = str(record["metric"])
    value, before = record["value"], record.get("previous")
    kind = notation.kind_of(name, [value])
    change, mood = "", ""
    if isinstance(value, (int, float)) and isinstance(before, (int, float)) and before:
        relative = value / before - 1
        arrow = "▲" if relative > 0.0005 else "▼" if relative < -0.0005 else "＝"
        change = f"{arrow} {notation.ratio(abs(relative))}"
        higher_is_worse = any(word in name for word in WORSE_WHEN_HIGHER)
        if abs(relative) >= 0.02:
            mood = "good" if (relative > 0) != higher_is_worse else "bad"
    shown_before = "" if before is None else str(notation.show(before, kind))
    return Figure(
        notation.label_of(name), notation.show(value, kind), record["href"], change, mood,
        shown_before,
    )  # fmt: skip


def trend(asked: Asked) -> Markup:
    """The trend as a line chart, the period before as a faded line."""
    records = asked.records
    if not records:
        return Markup("")
    assert asked.report is not None
    time, metric = asked.report.columns[0], asked.report.columns[1]
    labels = [_label(record[time]) for record in records]
    hrefs = [record["href"] for record in records]
    series = [Series(notation.label_of(metric), [r[metric] for r in records], hrefs)]
    if any(record.get("previous") is not None for record in records):
        before = [record["previous"] for record in records]
        series.append(Series("the period before", before, faded=True))
    kind = notation.kind_of(metric, series[0].values)
    return line_chart(labels, series, kind, f"{notation.label_of(metric)} over time")


def _label(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return str(value)


def sessions(asked: Asked) -> list[dict[str, Any]]:
    """The sessions of the list, each with `href` to its timeline."""
    return [
        {**record, "href": f"/sessions/{quote(str(record['session_key']), safe='')}"}
        for record in asked.records
    ]


def session_facts(asked: Asked) -> Mapping[str, Any]:
    """What is known of the session as a whole."""
    facts: Mapping[str, Any] = asked.extra.get("session", {})
    return facts


_SHOWN_IN_LINE: Final = frozenset(
    ("event_time", "type", "name", "node", "gap", "marks", "href", "event_index", "properties",
     "is_view", "is_error", "is_conversion", "is_click", "is_fatal", "path")
)  # fmt: skip
_GAP_SHOWN_S: Final = 60


def timeline(asked: Asked) -> list[Moment]:
    """The events of a session in order."""
    return [_moment(record) for record in asked.records]


def _moment(record: Record) -> Moment:
    at = notation.moment(record["event_time"])
    clock = Markup(str(at).replace("<time ", '<time data-format="clock" ')) if at else at
    details = [
        (notation.label_of(name), str(value))
        for name, value in record.items()
        if name not in _SHOWN_IN_LINE and value not in (None, "", False)
    ]
    if record.get("properties"):
        details.append(("properties", str(record["properties"])))
    kind = str(record["type"])
    css = "view" if record.get("is_view") or kind in ("page", "screen") else kind
    css = "conversion" if record.get("is_conversion") else css
    css = "error" if record.get("is_error") else css
    gap = record.get("gap")
    marks = record.get("marks") or ()
    return Moment(
        clock,
        css,
        str(record.get("name") or kind),
        str(record.get("path") or record.get("node") or ""),
        [marks] if isinstance(marks, str) else [str(mark) for mark in marks],
        details,
        notation.seconds(gap) if gap and gap >= _GAP_SHOWN_S else "",
    )


def journey(asked: Asked, query: Mapping[str, str]) -> Markup:
    """The journeys as a Sankey diagram."""
    flows = [
        Flow(int(r["step"]), str(r["source"]), str(r["target"]), float(r["sessions"]), r["href"])
        for r in asked.records
    ]
    if flows and min(flow.column for flow in flows) > 0:
        flows = [Flow(f.column - 1, f.source, f.target, f.count, f.href) for f in flows]
    names = {name for flow in flows for name in (flow.source, flow.target)}
    hrefs = {
        name: f"/journeys?{urlencode({**query, 'anchor': name})}"
        for name in names
        if not name.startswith("(")
    }
    return sankey(flows, hrefs, "Journeys: how many sessions go from where to where")


def steps_of(asked: Asked) -> list[str]:
    """The steps of the funnel that was asked for."""
    return [str(record["step"]) for record in asked.records]


def funnel(asked: Asked) -> list[dict[str, Any]]:
    """The steps with their sessions, shares and drop-offs."""
    steps = []
    for record in asked.records:
        first = asked.records[0]["sessions"]
        steps.append({**record, "most": first})
    return steps


def heat(asked: Asked) -> dict[str, Any]:
    """Retention as a table: one row a cohort, one column a day, shade by share."""
    if not asked.records:
        return {"columns": [], "rows": []}
    periods = sorted({int(record["period"]) for record in asked.records})
    cohorts: dict[str, dict[int, Record]] = {}
    for record in asked.records:
        cohorts.setdefault(_label(record["cohort"])[:10], {})[int(record["period"])] = record
    rows = []
    for cohort, kept in cohorts.items():
        size = next((record.get("size") for record in kept.values()), None)
        cells = [_heat_cell(kept.get(period)) for period in periods]
        rows.append({"cohort": cohort, "size": size, "cells": cells})
    return {"columns": periods, "rows": rows}


def _heat_cell(record: Record | None) -> dict[str, Any]:
    if record is None or record.get("rate") is None:
        return {"shown": "", "css": "h0", "href": ""}
    rate = float(record["rate"])
    shade = min(9, round(rate * 9))
    return {"shown": notation.ratio(rate), "css": f"h{shade}", "href": record["href"]}


def problems(asked: Asked, notes: Mapping[str, Note]) -> list[Problem]:
    """The problems in the report's order, with the notes that people wrote on them."""
    return [_problem(record, notes) for record in asked.records]


_PROBLEM_NUMBERS: Final = ("effect", "low", "high", "sessions", "lost_per_day", "onset", "p_value")


def _problem(record: Record, notes: Mapping[str, Note]) -> Problem:
    title = str(record["title"])
    given = record.get("id") or f"{record.get('step')}|{record.get('segment')}"
    identity = hashlib.sha256(str(given).encode()).hexdigest()[:16]
    numbers = [
        (notation.label_of(name), str(notation.show(value, notation.kind_of(name, [value]))))
        for name in _PROBLEM_NUMBERS
        if (value := record.get(name)) is not None
    ]
    chart = Markup("")
    return Problem(identity, title, numbers, record["href"], chart, (), notes.get(identity, Note()))
