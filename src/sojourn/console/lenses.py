"""Reports seen as the pages need them: the only place that knows the columns of each report."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup

from sojourn.console import figures as notation
from sojourn.console.asking import Asked
from sojourn.console.charts import Series, columns, line_chart
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


TILES: Final = (
    "sessions", "people", "engagement_rate", "bounce_rate", "duration_median", "engaged_mean",
    "views_per_session", "conversion_rate", "revenue", "errored_sessions",
)  # fmt: skip
TREND_METRICS: Final = (
    "sessions", "people", "new_sessions", "engaged_sessions", "bounced_sessions",
    "converted_sessions", "errored_sessions", "views", "duration_median", "engaged_mean",
    "revenue",
)  # fmt: skip


def figures(asked: Asked) -> list[Figure]:
    """The overview's most important figures."""
    by_metric = {str(record["metric"]): record for record in asked.records}
    return [_figure(name, by_metric[name]) for name in TILES if name in by_metric]


def _figure(name: str, record: Record) -> Figure:
    kind = notation.UNITS.get(str(record["unit"]), "number")
    relative = record.get("change")
    change, mood = "", ""
    if relative is not None:
        arrow = "▲" if relative > 0.0005 else "▼" if relative < -0.0005 else "="
        change = f"{arrow} {notation.ratio(abs(relative))}"
        higher_is_worse = any(word in name for word in WORSE_WHEN_HIGHER)
        if abs(relative) >= 0.02:
            mood = "good" if (relative > 0) != higher_is_worse else "bad"
    before = record.get("before")
    return Figure(
        notation.label_of(name),
        notation.show(record["value"], kind),
        record["href"],
        change,
        mood,
        "" if before is None else str(notation.show(before, kind)),
    )


def period_before(asked: Asked) -> Mapping[str, str] | None:
    """What the overview is compared with, as parameters; None where with nothing."""
    behind = asked.extra.get("behind_before")
    return dict(behind[0]) if behind else None


def trend(asked: Asked, before: Asked | None, metric: str) -> Markup:
    """One metric over time, and the same of what it is compared with as a faded line."""
    records = asked.records
    if not records or metric not in records[0]:
        return Markup("")
    labels = [_label(record["time"]) for record in records]
    values = [record[metric] for record in records]
    hrefs = [record["href"] for record in records]
    series = [Series(notation.label_of(metric), values, hrefs)]
    if before is not None and before.records:
        earlier = [record[metric] for record in before.records][: len(records)]
        series.append(Series("before", earlier, faded=True))
    kind = notation.kind_of(metric, values)
    return line_chart(labels, series, kind, f"{notation.label_of(metric)} over time")


def with_dates(asked: Asked) -> Asked:
    """The trend with days, weeks and months as dates: they are the reader's, not instants."""
    if asked.report is None or asked.parameters.get("unit") == "hour":
        return asked
    rows = [[row[0].date(), *row[1:]] for row in asked.report.rows]
    return replace(asked, report=replace(asked.report, rows=rows))


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


def minutes(asked: Asked) -> Markup:
    """Events a minute over the last half hour, as columns."""
    found = asked.extra.get("minutes", ())
    counts = {str(one["minute"])[:16]: one["events"] for one in found}
    if not counts:
        return Markup("")
    last = datetime.datetime.fromisoformat(f"{max(counts)}:00+00:00")
    spans = [last - datetime.timedelta(minutes=back) for back in range(29, -1, -1)]
    values = [(f"{span:%H:%M} UTC", counts.get(f"{span:%Y-%m-%dT%H:%M}", 0)) for span in spans]
    return columns(values)


KEY_FACTS: Final = (
    "person", "channel", "landing_url", "referrer", "utm_campaign", "entry_page", "exit_page",
    "platform", "device", "os", "browser", "country", "session_number", "start_reason",
    "end_state", "provenance", "repairs", "state", "traffic_class", "previous_session_key",
)  # fmt: skip


def session_facts(asked: Asked) -> Mapping[str, Any]:
    """What is known of the session as a whole."""
    facts: Mapping[str, Any] = asked.extra.get("session", {})
    return {name: value for name, value in facts.items() if value not in (None, "")}


_SHOWN_IN_LINE: Final = frozenset(
    ("event_time", "type", "name", "node", "gap", "marks", "href", "event_index", "properties",
     "is_view", "is_error", "is_conversion", "is_click", "is_fatal", "path")
)  # fmt: skip
_GAP_SHOWN_S: Final = 60


def timeline(asked: Asked) -> list[Moment]:
    """The events of a session in order."""
    return [_moment(record) for record in asked.records]


def _moment(record: Record) -> Moment:
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
    name, where = str(record.get("name") or kind), str(record.get("node") or "")
    gap = record.get("gap")
    marks = record.get("marks") or ()
    return Moment(
        notation.clock(record["event_time"]),
        css,
        name,
        "" if where == name else where,
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
