"""Overview, trend, sessions and their timeline as the pages need them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sojourn.console import figures as notation
from sojourn.console.asking import Asked
from sojourn.console.charts import Series, columns, line_chart

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
    zone = ZoneInfo(asked.parameters.get("zone", "UTC"))
    labels = [_label(record["time"], zone) for record in records]
    values = [record[metric] for record in records]
    hrefs = [record["href"] for record in records]
    series = [Series(notation.label_of(metric), values, hrefs)]
    if before is not None and before.records:
        earlier = [record[metric] for record in before.records][: len(records)]
        series.append(Series("before", earlier, faded=True))
    kind = notation.kind_of(metric, values)
    return line_chart(labels, series, kind, f"{notation.label_of(metric)} over time")


def parts_of_days(asked: Asked) -> list[tuple[str, Markup | str]]:
    """Which ends of the trend are no whole days, in words and by their moment."""
    if asked.report is None or asked.parameters.get("unit", "day") != "day" or not asked.records:
        return []
    zone, behind = ZoneInfo(asked.parameters.get("zone", "UTC")), asked.report.sessions
    found = []
    ends = (("the first day from", behind[0], "from"), ("the last until", behind[-1], "to"))
    for words, bounds, name in ends:
        at = datetime.datetime.fromisoformat((bounds or {})[name]).astimezone(zone)
        if at.time() != datetime.time():
            found.append((words, notation.moment((bounds or {})[name])))
    return found


def with_dates(asked: Asked) -> Asked:
    """The trend with days, weeks and months as dates: they are the reader's, not instants."""
    if asked.report is None or asked.parameters.get("unit") == "hour":
        return asked
    rows = [[row[0].date(), *row[1:]] for row in asked.report.rows]
    return replace(asked, report=replace(asked.report, rows=rows))


def _label(value: datetime.date, zone: ZoneInfo) -> str:
    """A day as it is, an hour in the reader's zone."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.UTC).astimezone(zone).isoformat()
    return value.isoformat()


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


_STARTS: Final = {
    "first_event": "Started: the first event of this visitor",
    "timeout": "Started after a break longer than the timeout",
    "cut_off": "Started because the one before had reached the maximum length",
    "manual": "Started by the app",
    "reset": "Started by a reset of the SDK",
    "user_change": "Started because another user logged in",
    "split": "Split off: the SDK used the id of the one before again",
    "inferred": "Its events carry no session id; found by person and time",
}
_ENDS: Final = {
    "timeout": "Ended: nothing followed within the timeout",
    "cut_off": "Ended at the maximum length",
    "manual": "Ended by the app",
    "reset": "Ended by a reset of the SDK",
    "user_change": "Ended because another user logged in",
    "split": "Split: what followed under this id is a session of its own",
}


def start_in_words(reason: str) -> str:
    """Why a session started, as a sentence."""
    return _STARTS.get(reason, f"Started: {reason}")


def end_in_words(reason: str) -> str:
    """Why a session ended, as a sentence."""
    return _ENDS.get(reason, f"Ended: {reason}")


_SHOWN_IN_LINE: Final = frozenset(
    ("event_time", "type", "name", "node", "gap", "marks", "href", "event_index", "properties",
     "is_view", "is_error", "is_conversion", "is_click", "is_fatal", "path")
)  # fmt: skip
_GAP_SHOWN_S: Final = 60


def timeline(asked: Asked) -> list[Moment]:
    """The events of a session in order, with the friction that shows at each."""
    marks: dict[int, list[str]] = {}
    for mark in asked.extra.get("marks", ()):
        marks.setdefault(mark["event_index"], []).append(str(mark["signal"]))
    return [_moment(record, marks.get(record["event_index"], [])) for record in asked.records]


def _moment(record: Record, marks: Sequence[str]) -> Moment:
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
    return Moment(
        notation.clock(record["event_time"]),
        css,
        name,
        "" if where == name else where,
        marks,
        details,
        notation.seconds(gap) if gap and gap >= _GAP_SHOWN_S else "",
    )
