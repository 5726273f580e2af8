"""Figures as people read them, and reports as tables of cells that link to their sessions."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from sojourn.core.ports import Report

NOTHING: Final = "–"
_NONE: Final[Mapping[str, str]] = {}
_SECONDS: Final = re.compile(r"(^|_)(duration|engaged|gap|seconds|time_to_convert|stay)(_|$)|_s$")
_RATIO: Final = re.compile(r"(^|_)(rate|share|ratio|conversion|change|effect|lift|kept)(_|$)")
_TIME: Final = re.compile(r"(^|_)(at|time|start|end|onset|until|seen|day|date|hour|week|month)$")
_MONEY: Final = re.compile(r"(^|_)(revenue|value_eur)(_|$)")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_WORD: Final = re.compile(r"(^|_)(signal|metric|check|reason|state|traffic_class|provenance)$")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STATISTICS: Final = {
    "median": "Median",
    "mean": "Mean",
    "p90": "90th percentile of",
    "p99": "99th percentile of",
}
_STATISTIC: Final = re.compile(rf"(\w+)_({'|'.join(_STATISTICS)})")
_CAPITALS: Final = {"os": "OS", "utm": "UTM", "url": "URL", "id": "ID", "sdk": "SDK", "ms": "ms"}


@dataclass(frozen=True)
class Cell:
    """One figure or text; `href` leads to the sessions behind it."""

    html: Markup | str
    kind: str = "text"
    href: str = ""
    raw: Any = None

    @property
    def is_figure(self) -> bool:
        """Whether it is a number, aligned and counted as one."""
        return self.kind in _FIGURES


@dataclass(frozen=True)
class Table:
    """A report for a page: labels of the columns, rows of cells, and each row's sessions."""

    labels: Sequence[str]
    kinds: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    hrefs: Sequence[str]

    @property
    def counted(self) -> int:
        """The first column of plain numbers, which bars are drawn from; -1 where there is none."""
        return self.kinds.index("number") if "number" in self.kinds else -1

    @property
    def most(self) -> float:
        """The largest value of that column."""
        counts = [row[self.counted].raw for row in self.rows] if self.counted >= 0 else []
        return max((count for count in counts if count is not None), default=0)


def table_of(
    report: Report, columns: Sequence[str] = (), headings: Mapping[str, str] = _NONE
) -> Table:
    """The report as a table, with all its columns or those of `columns` that it has, in order.

    A column `unit` says what the others of its row hold; it is not shown itself.
    """
    names = list(report.columns)
    chosen = [name for name in columns if name in names] or [n for n in names if n != "unit"]
    places = [names.index(name) for name in chosen]
    unit = names.index("unit") if "unit" in names else None
    kinds = [
        kind_of(name, [row[place] for row in report.rows])
        for name, place in zip(chosen, places, strict=True)
    ]
    rows = []
    for number, row in enumerate(report.rows):
        cells = []
        for name, place, kind in zip(chosen, places, kinds, strict=True):
            if unit is not None and name in _BY_UNIT:
                kind = UNITS.get(str(row[unit]), kind)
            href = sessions_href(report, number, name) if kind in _FIGURES else ""
            cells.append(cell(row[place], kind, href))
        rows.append(cells)
    hrefs = [sessions_href(report, number) for number in range(len(report.rows))]
    return Table([headings.get(name) or label_of(name) for name in chosen], kinds, rows, hrefs)


def records(report: Report) -> list[dict[str, Any]]:
    """The rows as mappings; `href` leads to the sessions behind the row."""
    return [
        {**dict(zip(report.columns, row, strict=True)), "href": sessions_href(report, number)}
        for number, row in enumerate(report.rows)
    ]


def sessions_href(report: Report, number: int, column: str = "") -> str:
    """The page of the sessions behind a row; empty where the row stands for none.

    `extra["narrow"]` names what a column's sessions have in common beyond those of the row;
    `extra["behind_before"]` has the sessions that a row is compared with.
    """
    if column in _BEFORE:
        before = report.extra.get("behind_before", ())
        behind = before[number] if number < len(before) else None
    else:
        behind = report.sessions[number] if number < len(report.sessions) else None
    if behind is None:
        return ""
    narrowed = {**behind, **report.extra.get("narrow", {}).get(column, {})}
    return f"/sessions?{urlencode(narrowed)}"


def cell(value: Any, kind: str, href: str = "") -> Cell:
    """One value as people read it."""
    if value is None and kind == "text":
        return Cell("(none)", kind, href, value)
    return Cell(show(value, kind), kind if value is not None else "text", href, value)


def show(value: Any, kind: str) -> Markup | str:
    """A value in the notation of its kind; HTML only where it is a time."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if kind == "time":
        return moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)
    if not isinstance(value, (int, float)):
        return label_of(str(value)) if kind == "word" else str(value)
    return _SHOWN.get(kind, number)(float(value))


def number(value: float) -> str:
    """A count or a plain number: `12,345`, `3.4`."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def ratio(value: float) -> str:
    """A share of one, in percent: `3.4 %`."""
    percent = value * 100
    return f"{percent:,.0f} %" if abs(percent) >= 99.5 or percent == 0 else f"{percent:.1f} %"


def seconds(value: float) -> str:
    """A length of time: `0 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if value < 60:
        return f"{value:.0f} s" if value >= 10 or value == int(value) else f"{value:.1f} s"
    whole = round(value)
    for size, name, below, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name} {rest} {part}" if rest else f"{whole // size} {name}"
    rest = whole % 60
    return f"{whole // 60} min {rest} s" if rest else f"{whole // 60} min"


def money(value: float) -> str:
    """An amount in the currency of the events: `1,234.50`."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.2f}"


def moment(value: Any) -> Markup | str:
    """A time for the reader's zone: in UTC until the script of the page has moved it."""
    if isinstance(value, (int, float)):
        value = datetime.datetime.fromtimestamp(value / 1000, datetime.UTC)
    if isinstance(value, datetime.datetime):
        aware = value.replace(tzinfo=value.tzinfo or datetime.UTC).astimezone(datetime.UTC)
        text = aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    elif isinstance(value, datetime.date):
        return value.isoformat()
    else:
        text = str(value)
        if not _MOMENT.fullmatch(text):
            return text
        if len(text) == 10:
            return text
        text = text.replace(" ", "T")
        text = text if re.search(r"(Z|[+-]\d\d:?\d\d)$", text) else text + "Z"
    shown = text[:16].replace("T", " ")
    return Markup('<time datetime="{}">{} UTC</time>').format(text, shown)


def clock(value: Any) -> Markup | str:
    """A time of the day for the reader's zone."""
    shown = moment(value)
    if not isinstance(shown, Markup):
        return shown
    return shown.replace("<time ", Markup('<time data-format="clock" '))


def person(name: str) -> Markup | str:
    """A person's id for a narrow column: of a UUID the beginning, the rest in its title."""
    if not _UUID.fullmatch(name):
        return name
    return Markup('<span title="{}">{}…</span>').format(name, name[:8])


def kind_of(name: str, values: Sequence[Any]) -> str:
    """What a column holds, by its name and its values."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, (datetime.date, datetime.datetime)) for value in known):
        return "time"
    if any(isinstance(value, str) for value in known):
        timed = _TIME.search(name) and all(_MOMENT.fullmatch(str(value)) for value in known)
        return "time" if timed else "word" if _WORD.search(name) else "text"
    if not known or any(isinstance(value, (bool, list, tuple, Mapping)) for value in known):
        return "text"
    if name.endswith(("sessions", "sessions_before")):
        return "number"
    if "_per_" in name:
        return "mean"
    for kind, pattern in (("money", _MONEY), ("seconds", _SECONDS), ("ratio", _RATIO)):
        if pattern.search(name):
            return kind
    return "number"


def label_of(name: str) -> str:
    """A name as words: `bounce_rate` is `Bounce rate`, `duration_median` `Median duration`."""
    if found := _STATISTIC.fullmatch(name):
        return f"{_STATISTICS[found[2]]} {found[1].replace('_', ' ')}"
    words = " ".join(_CAPITALS.get(word, word) for word in name.replace("_", " ").split(" "))
    return words if words[:2] == "ms" else words[:1].upper() + words[1:]


_SHOWN: Final = {
    "number": number,
    "mean": lambda value: f"{value:,.2f}",
    "ratio": ratio,
    "seconds": seconds,
    "money": money,
}
UNITS: Final = {
    "count": "number",
    "number": "number",
    "ratio": "ratio",
    "seconds": "seconds",
    "money": "money",
}
"""The units that reports name, and the notation of each."""
_FIGURES: Final = frozenset(_SHOWN)
_BY_UNIT: Final = frozenset(("value", "before"))
_BEFORE: Final = frozenset(("before", "sessions_before"))
