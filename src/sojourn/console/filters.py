"""The parameters of reports as fields of a form; what is chosen stands in the URL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from sojourn.console.figures import label_of
from sojourn.core.ports import ReportSpec

FIRST: Final = ("by", "anchor", "direction", "steps", "unit", "mode", "sort")
"""Parameters that are always in sight; the others are behind "More filters"."""
_DATED: Final = re.compile(r"^(from|to)$")
_DATE: Final = re.compile(r"^\d{4}-\d\d-\d\d$")
SETS: Final = ("session", "journey", "transition", "funnel", "friction", "cohort", "health")
"""Parameters that stand for the sessions behind one figure of a report."""
_WHERE: Final = re.compile(rf"^(limit|offset|key|zone|{'|'.join(SETS)})$")
_NO_CONDITION: Final = frozenset(("limit", "offset", "zone", "sort"))


@dataclass(frozen=True)
class Field:
    """One field of the filter form."""

    name: str
    label: str
    help: str
    value: str
    default: str
    choices: Sequence[str]
    date: bool
    in_sight: bool


def chosen(spec: ReportSpec, query: Mapping[str, str]) -> dict[str, str]:
    """What the URL asks of this report: its own parameters that are given and not empty."""
    return {
        parameter.name: query[parameter.name]
        for parameter in spec.parameters
        if query.get(parameter.name)
    }


def fields(specs: Sequence[ReportSpec], query: Mapping[str, str]) -> list[Field]:
    """The fields for all parameters of these reports, each once; those in sight first."""
    found: dict[str, Field] = {}
    for parameter in (one for spec in specs for one in spec.parameters):
        name, value = parameter.name, query.get(parameter.name, "")
        if name in found or _WHERE.match(name):
            continue
        found[name] = Field(
            name,
            label_of(name),
            parameter.help,
            value,
            parameter.default,
            tuple(parameter.choices),
            bool(_DATED.match(name)) and (not value or bool(_DATE.match(value))),
            name in FIRST or bool(value),
        )
    rank = {name: place for place, name in enumerate(FIRST)}
    return sorted(found.values(), key=lambda field: rank.get(field.name, len(rank)))


def shared_query(query: Mapping[str, str], shared: Sequence[str]) -> str:
    """What the next page should keep of this page's filters, as a query string."""
    kept = {name: query[name] for name in shared if query.get(name)}
    return f"?{urlencode(kept)}" if kept else ""


def conditions(parameters: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What a list of sessions is narrowed to: parameter, its name and its value in words."""
    return [
        (name, label_of(name), _set_in_words(name, value) if name in SETS else value)
        for name, value in parameters.items()
        if name not in _NO_CONDITION
    ]


def _set_in_words(name: str, text: str) -> str:
    if name == "session":
        return text
    try:
        facts = json.loads(text)
        return _WORDS[name](facts)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return "the sessions behind one figure"


def _funnel(facts: Mapping[str, Any]) -> str:
    steps, missed = facts["steps"], facts.get("missed")
    reached = f"reached {steps[facts['reached'] - 1]}"
    return f"{reached}, not {steps[missed - 1]}" if missed else reached


def _friction(facts: Mapping[str, Any]) -> str:
    signal = label_of(facts["signal"]).lower()
    return f"{signal} at {facts['place']}" if facts.get("place") else signal


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "journey": lambda facts: f"{facts['node']} → {facts['next']}, step {facts['step'] + 1}",
    "transition": lambda facts: f"{facts['node']} → {facts['next']}",
    "funnel": _funnel,
    "friction": _friction,
    "health": lambda facts: label_of(facts["check"]).lower(),
    "cohort": lambda facts: (
        f"first session {facts['cohort'][:10]}, {facts['unit']} {facts['step']} after it"
    ),
}
