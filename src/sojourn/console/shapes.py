"""Journeys, funnels, retention and problems as the pages draw them."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from sojourn.console import figures as notation
from sojourn.console.asking import Asked
from sojourn.console.charts import Series, line_chart
from sojourn.console.sankey import Flow, sankey
from sojourn.console.saved import Note

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One card of the problems page. `base` and `hit`: parameters of `trend` for its rate.

    The rate over time is `hit` / `base`, or where `is_drop` the share of `base` that is not `hit`.
    """

    id: str
    title: str
    numbers: Sequence[tuple[str, str, str]]
    href: str
    since: str
    is_drop: bool
    base: Mapping[str, str]
    hit: Mapping[str, str]
    examples: Sequence[str]
    also: Sequence[str]
    note: Note = field(default_factory=Note)


def journey(asked: Asked, query: Mapping[str, str]) -> Markup:
    """The journeys as a Sankey diagram; those to an anchor end at it, on the right."""
    records = asked.records
    backward = asked.parameters.get("direction") == "backward"
    last = max((int(record["step"]) for record in records), default=0)
    flows = [_flow(record, last if backward else None) for record in records]
    names = {name for flow in flows for name in (flow.source, flow.target)}
    kept = {name: value for name, value in query.items() if name != "zone"}
    hrefs = {
        name: f"/journeys?{urlencode({**kept, 'anchor': name})}"
        for name in names
        if not name.startswith("(")
    }
    return sankey(flows, hrefs, _short_names(names), "Journeys: how many sessions go where")


def _short_names(names: set[str]) -> dict[str, str]:
    """Nodes without their host, where there is only one host."""
    hosts = {name.split("/")[0] for name in names if "/" in name}
    if len(hosts) != 1:
        return {}
    [host] = hosts
    return {name: name.removeprefix(host) for name in names if name.startswith(f"{host}/")}


def _flow(record: Record, last: int | None) -> Flow:
    """A link of the journeys; compared with others, as thick as both are on average."""
    source, target = str(record["source"]), str(record["target"])
    step, weight = int(record["step"]), None
    difference = record.get("difference")
    if difference is not None:
        weight = (record["share"] + record["share_before"]) / 2
    if last is not None:
        step, source, target = last - step, target, source
    return Flow(step, source, target, float(record["sessions"]), record["href"], weight, difference)


def funnel(asked: Asked) -> list[dict[str, Any]]:
    """The steps with their sessions and shares, and where those went who stopped there."""
    records = asked.records
    dropped = {one["step"]: one for one in asked.extra.get("dropped", ())}
    steps = []
    for record in records:
        left = dropped.get(record["step"], {})
        steps.append(
            {
                **record,
                "most": records[0]["sessions"],
                "left_href": f"/sessions?{urlencode(left['behind'])}" if left else "",
                "next": [(one["node"], one["sessions"]) for one in left.get("next", ())[:3]],
            }
        )
    return steps


def heat(asked: Asked) -> dict[str, Any]:
    """Retention as a table: one row a cohort, one column a step, shade by share."""
    records = asked.records
    steps = sorted({int(record["step"]) for record in records})
    later = [record["rate"] or 0.0 for record in records if record["step"]]
    most = max(later, default=0.0) or 1.0
    cohorts: dict[str, dict[int, Record]] = {}
    for record in records:
        cohorts.setdefault(_day(record["cohort"]), {})[int(record["step"])] = record
    rows = [
        {
            "cohort": cohort,
            "people": next(iter(kept.values()))["people"],
            "cells": [_heat_cell(kept.get(step), most) for step in steps],
        }
        for cohort, kept in cohorts.items()
    ]
    return {"columns": steps, "rows": rows, "unit": asked.parameters.get("unit", "day")}


def _day(value: Any) -> str:
    return value.isoformat()[:10] if isinstance(value, datetime.date) else str(value)[:10]


def _heat_cell(record: Record | None, most: float) -> dict[str, Any]:
    if record is None or record["rate"] is None:
        return {"shown": "", "css": "h0", "href": "", "title": ""}
    rate = float(record["rate"])
    shade = 0 if not record["step"] else min(9, round(rate / most * 9))
    title = f"{record['retained']} of {record['people']} people, {record['sessions']} sessions"
    href = record["href"] if record["sessions"] else ""
    return {"shown": notation.ratio(rate), "css": f"h{shade}", "href": href, "title": title}


def friction_places(asked: Asked) -> dict[str, list[dict[str, Any]]]:
    """Where each signal of friction happens, with the sessions behind."""
    places: dict[str, list[dict[str, Any]]] = {}
    for one in asked.extra.get("places", ()):
        href = f"/sessions?{urlencode(one['behind'])}"
        places.setdefault(str(one["signal"]), []).append({**one, "href": href})
    return {signal: found[:5] for signal, found in places.items()}


def problems(asked: Asked, notes: Mapping[str, Note]) -> list[Problem]:
    """The problems in the report's order, with the notes that people wrote on them."""
    found = []
    for number, record in enumerate(asked.records):
        identity = hashlib.sha256(f"{record['measure']}|{record['segment']}".encode())
        key = identity.hexdigest()[:16]
        assert asked.report is not None
        behind = dict(asked.report.sessions[number] or {})
        base = {name: value for name, value in behind.items() if name not in _PERIOD}
        missed = next((name for name in _MISSED if name in base), "")
        hit = dict(base)
        base.pop(missed or next((name for name in _MET if name in base), ""), None)
        found.append(
            Problem(
                key,
                str(record["problem"]).split(";")[0].rstrip(".").replace(" %", "\u00a0%"),
                _numbers(record, bool(missed)),
                record["href"],
                _day(record["since"]),
                bool(missed),
                base,
                hit,
                _at(asked.extra.get("examples"), number),
                _at(asked.extra.get("also"), number),
                notes.get(key, Note()),
            )
        )
    return found


_PERIOD: Final = frozenset(("from", "to"))
_MISSED: Final = ("lacks", "converted")
_MET: Final = ("errored", "bounced", "has", "friction")
"""What narrows the sessions of a step to those that did not go on, or had the trouble."""


def _at(lists: Any, number: int) -> Sequence[str]:
    return lists[number] if lists and number < len(lists) else ()


def _numbers(record: Record, is_drop: bool) -> list[tuple[str, str, str]]:
    """The facts of a problem: name, value, remark."""
    ratio, number = notation.ratio, notation.number
    facts = [
        ("Now", ratio(record["rate"]), f"before {ratio(record['before'])}"),
        (
            "Change",
            f"{record['change'] * 100:+.0f} points".replace("-", "−"),
            f"95 % interval {record['low'] * 100:+.0f} to {record['high'] * 100:+.0f}".replace(
                "-", "−"
            ),
        ),
        (
            "Did not go on" if is_drop else "Had it",
            number(record["sessions"]),
            f"of {number(record['of'])} sessions",
        ),
    ]
    if record["lost_per_day"]:
        facts.append(("Lost a day", f"{record['lost_per_day']:.1f}", "conversions, about"))
    facts.append(("Since", _day(record["since"]), ""))
    if record["peers_rate"] is not None:
        before = record["peers_before"]
        remark = f"before {ratio(before)}" if before is not None else ""
        facts.append(("Everybody else", ratio(record["peers_rate"]), remark))
    return facts


def opportunities(asked: Asked) -> list[tuple[str, str, float]]:
    """What each segment might gain: a sentence, the sessions behind it, and how many."""
    return [
        (
            str(one["opportunity"]).split(" A comparison")[0].replace(" %", "\u00a0%"),
            one["href"],
            one["sessions"],
        )
        for one in asked.records
    ]


def onset(problem: Problem, base: Asked, hit: Asked) -> Markup:
    """A problem's rate by day, with a line where it began."""
    days = [_day(record["time"]) for record in base.records]
    counts = [
        (b["sessions"], h["sessions"]) for b, h in zip(base.records, hit.records, strict=False)
    ]
    values = [None if not n else (1 - k / n if problem.is_drop else k / n) for n, k in counts]
    used = [place for place, value in enumerate(values) if value is not None]
    if not used:
        return Markup("")
    first = used[0]
    days, values = days[first:], values[first:]
    hrefs = [record["href"] for record in hit.records][first:]
    mark = days.index(problem.since) if problem.since in days else None
    series = [Series("rate", values, hrefs)]
    return line_chart(days, series, "ratio", f"{problem.title}: by day", mark, height=140)
