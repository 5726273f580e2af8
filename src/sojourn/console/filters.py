"""The parameters of reports as fields of a form; what is chosen stands in the URL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from sojourn.console.figures import label_of
from sojourn.core.ports import ReportSpec

FIRST: Final = ("from", "to", "compare", "by", "sort", "source", "channel", "device")
"""Parameters that are always in sight; the others are behind "More filters"."""
_DATED: Final = re.compile(r"^(from|to)$")
_DATE: Final = re.compile(r"^\d{4}-\d\d-\d\d$")
_WHERE: Final = re.compile(r"^(limit|offset|key|session|zone)$")


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
