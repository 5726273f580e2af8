"""From text parameters to the sessions they mean: an SQL condition and its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.insights.reports.parameters import COMMON, EQUAL, FLAGS
from sojourn.insights.reports.periods import Period, instant, text_of, zone_of
from sojourn.insights.reports.sets import SETS, set_condition, set_facts
from sojourn.insights.sql import queries

NONE = "(none)"
_VALUE = re.compile(r"\$(\w+)")
_FILTERS = queries("queries/filters.sql")
_DEFAULTS = {parameter.name: parameter.default for parameter in COMMON}
_LISTS = ("source", "page", "has", "lacks", "repair", "session", *EQUAL)
_SETS = tuple(parameter.name for parameter in SETS)
_TEMPLATES = {"session": "session_list"}
_OF_PATHS = {_FILTERS[name] for name in ("from", "to", "source", "traffic", "session_list")}
"""Conditions on columns that `session_paths` has, too."""


@dataclass(frozen=True)
class Selection:
    """Some sessions. `parameters` names exactly these in the report `sessions`."""

    period: Period
    zone: str
    parameters: Mapping[str, str]
    conditions: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """A query that gives the rows of `sessions` that are meant."""
        conditions = "\n    AND ".join(self.conditions or (_FILTERS["everything"],))
        return _FILTERS["chosen"].replace("{{conditions}}", conditions)

    @property
    def paths(self) -> str:
        """A query that gives their rows of `session_paths`, with `rid`, the row's number."""
        if _OF_PATHS.issuperset(self.conditions):
            conditions = "\n    AND ".join(self.conditions or (_FILTERS["everything"],))
            return _FILTERS["walked"].replace("{{conditions}}", conditions)
        return _FILTERS["walked_of_chosen"].replace("{{chosen}}", self.sql)

    def filled(self, sql: str) -> str:
        """A query with these sessions put in where it says `{{chosen}}` or `{{walked}}`."""
        return sql.replace("{{chosen}}", self.sql).replace("{{walked}}", self.paths)

    def behind(self, **more: str | None) -> dict[str, str]:
        """The parameters of the sessions of a figure: these, narrowed by `more`.

        None stands for a missing value of the column. A value that these parameters have already
        is replaced: the figure's is the narrower one.
        """
        found = dict(self.parameters)
        for name, value in more.items():
            found[name.rstrip("_")] = NONE if value is None else value
        return found


def select(given: Mapping[str, str], now: datetime) -> Selection:
    """The sessions that the parameters mean; names that are no filter or set are passed over.

    Raises `InvalidSettings` for a value that is wrong.
    """
    zone = zone_of(given.get("zone", ""))
    asked = {
        **_DEFAULTS,
        **{name: text for name, text in given.items() if name in _DEFAULTS and text},
    }
    period = Period(
        instant("from", asked["from"], now, zone, is_end=False),
        instant("to", asked["to"], now, zone, is_end=True),
    )
    if period.start > period.end:
        raise InvalidSettings(f"from: '{asked['from']}' is after to: '{asked['to']}'; swap them")
    conditions = [_FILTERS["from"], _FILTERS["to"]]
    values: dict[str, Any] = {"from": period.start, "to": period.end}
    kept = {"from": text_of(period.start), "to": text_of(period.end), "zone": str(zone)}
    for name, text in asked.items():
        if name in kept or not text:
            continue
        kept[name] = text
        condition, value = _condition(name, text, now)
        if name == "open" and value is not None:
            kept[name] = text_of(value)
        if condition:
            conditions.append(condition)
        if value is not None:
            values[name] = value
    base = Selection(period, str(zone), dict(kept), tuple(conditions), dict(values))
    for name in _SETS:
        if text := given.get(name, ""):
            facts = set_facts(name, text)
            condition, more = set_condition(name, text, facts)
            own = facts.get("filters")
            of = base if own is None else _inner(own, now)
            conditions.append(of.filled(condition))
            values |= {**of.values, **more}
            kept[name] = text
    return Selection(period, str(zone), kept, tuple(conditions), values)


def _inner(filters: Any, now: datetime) -> Selection:
    """The selection that a set carries itself, its values renamed apart from the outer ones."""
    if not isinstance(filters, dict):
        raise InvalidSettings("filters: a set has wrong filters; take it from a row of a report")
    chosen = select({str(name): str(text) for name, text in filters.items()}, now)
    conditions = tuple(_VALUE.sub(r"$inner_\1", condition) for condition in chosen.conditions)
    values = {f"inner_{name}": value for name, value in chosen.values.items()}
    return replace(chosen, conditions=conditions, values=values)


def _condition(name: str, text: str, now: datetime) -> tuple[str, Any]:
    """The condition of one filter, and its value if it has one."""
    if name == "traffic":
        if text not in ("human", "bot", "ai_agent", "all"):
            raise InvalidSettings(f"traffic: '{text}' is none of human, bot, ai_agent, all")
        return ("", None) if text == "all" else (_FILTERS["traffic"], text)
    if name in FLAGS:
        if text not in ("yes", "no"):
            raise InvalidSettings(f"{name}: '{text}' is neither yes nor no")
        return _FILTERS[text].replace("{{flag}}", f"({_FILTERS[f'flag_{name}']})"), None
    if name == "open":
        at = now if text == "yes" else instant("open", text, now, zone_of(""), is_end=False)
        return _FILTERS["open"], at
    if name in _LISTS:
        value = [part for part in text.split("|") if part]
        if name in EQUAL:
            column = EQUAL[name][0]
            return _FILTERS["equal"].replace("{{column}}", column).replace("{{name}}", name), value
        return _FILTERS[_TEMPLATES.get(name, name)], value
    return _FILTERS[name], text.lower()
