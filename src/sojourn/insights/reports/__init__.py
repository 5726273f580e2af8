"""The reports: named questions with text parameters, each figure with the sessions behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Report, ReportSpec
from sojourn.insights.reports import (
    friction,
    funnel,
    health,
    journeys,
    listing,
    opportunities,
    problems,
    retention,
    summary,
)
from sojourn.insights.reports.ask import Ask, Cursor
from sojourn.insights.reports.selection import select

__all__ = ["Reports", "all_specs"]


class _Kind(NamedTuple):
    spec: ReportSpec
    run: Callable[[Ask], Report]


_MODULES = (
    summary, listing, journeys, funnel, retention, friction, problems, opportunities, health,
)  # fmt: skip
_KINDS = {spec.name: _Kind(spec, run) for module in _MODULES for spec, run in module.REPORTS}


def all_specs() -> list[ReportSpec]:
    """What reports there are."""
    return [kind.spec for kind in _KINDS.values()]


class Reports:
    """Implements `sojourn.core.ports.Reports` over the tables of the session model.

    `cursor` opens a context with a DuckDB connection whose tables `sessions` and
    `session_events` exist. `now_ms` is the clock that `now` and `7d` go by.
    """

    def __init__(self, cursor: Cursor, now_ms: Callable[[], int] | None = None) -> None:
        self._cursor = cursor
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)

    def describe(self) -> Sequence[ReportSpec]:
        """All reports there are."""
        return all_specs()

    def run(self, name: str, parameters: Mapping[str, str]) -> Report:
        """Run one report. Raises `InvalidSettings` that names a wrong name or parameter."""
        kind = _KINDS.get(name)
        if kind is None:
            raise InvalidSettings(f"there is no report '{name}'; there are: {', '.join(_KINDS)}")
        known = {parameter.name: parameter.default for parameter in kind.spec.parameters}
        for given in parameters:
            if given not in known:
                raise InvalidSettings(
                    f"{given}: report '{name}' has no such parameter; it has: {', '.join(known)}"
                )
        asked = {**known, **{key: text for key, text in parameters.items() if text}}
        now = datetime.fromtimestamp(self._now_ms() / 1000, UTC).replace(tzinfo=None)
        selection = select(asked, now)
        with self._cursor() as connection:
            return kind.run(Ask(kind.spec, asked, selection, now, connection))
