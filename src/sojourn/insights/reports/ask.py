"""One question to the reports: its parameters, the sessions chosen, and the connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Report, ReportSpec
from sojourn.insights.reports.selection import Selection

_VALUE = re.compile(r"\$(\w+)")
Cursor = Callable[[], AbstractContextManager[Any]]
Behind = Mapping[str, str] | None


@dataclass
class Ask:
    """What a report works with. `parameters` has a text for every parameter of the spec."""

    spec: ReportSpec
    parameters: Mapping[str, str]
    selection: Selection
    now: datetime
    connection: Any
    statements: list[str] = field(default_factory=list)
    """The SQL that ran, for `Report.sql`."""

    def __getitem__(self, name: str) -> str:
        return self.parameters[name]

    def number(self, name: str, least: int = 0, most: int = 100_000) -> int:
        """A parameter that is a whole number. Raises `InvalidSettings` if it is none."""
        text = self.parameters[name]
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise InvalidSettings(f"{name}: '{text}' is no whole number from {least} to {most}")
        return number

    def choice(self, name: str) -> str:
        """A parameter whose values are listed. Raises `InvalidSettings` for another one."""
        text = self.parameters[name]
        choices = next(one.choices for one in self.spec.parameters if one.name == name)
        if text not in choices:
            raise InvalidSettings(f"{name}: '{text}' is none of {', '.join(choices)}")
        return text

    def names(self, name: str) -> list[str]:
        """A parameter that is a list, separated by |."""
        return [part.strip() for part in self.parameters[name].split("|") if part.strip()]

    def rows(
        self, sql: str, selection: Selection | None = None, **values: Any
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a query; `{{chosen}}` in it stands for the chosen sessions.

        `{{walked}}` stands for their rows of `session_paths`.
        """
        chosen = selection or self.selection
        text = chosen.filled(sql)
        known = {**chosen.values, "zone": chosen.zone, "now": self.now, **values}
        wanted = {name: known[name] for name in _VALUE.findall(text)}
        self.statements.append(text)
        result = self.connection.execute(text, wanted)
        columns = [column[0] for column in result.description]
        return columns, result.fetchall()

    def report(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        sessions: Sequence[Behind] = (),
        /,
        **extra: Any,
    ) -> Report:
        """The answer, with the SQL that made it."""
        return Report(
            self.spec, list(columns), [list(row) for row in rows], list(sessions),
            ";\n\n".join(self.statements), extra,
        )  # fmt: skip
