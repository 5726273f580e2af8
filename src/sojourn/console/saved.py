"""What people save in the console: funnels, reports, segments, notes; and what is configured."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from sojourn.console.documents import Documents
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import ReportSpec
from sojourn.core.saved_views import KINDS, Views, check_name, read_views

PAGES: Final[Mapping[str, str]] = {
    "overview": "/",
    "breakdown": "/breakdown",
    "sessions": "/sessions",
    "journeys": "/journeys",
    "funnel": "/funnels",
    "retention": "/retention",
    "problems": "/problems",
}
"""The reports that have a page of their own, and can be saved."""
_REPORT_OF: Final = {"funnels": "funnel", "segments": "sessions"}
_NO_VIEWS: Final[Views] = {}


class Note(msgspec.Struct):
    """What people said about a problem, and whether it is muted. `at`: ms since the epoch."""

    text: str = ""
    muted: bool = False
    by: str = ""
    at: int = 0


class Saved:
    """Named sets of report parameters, by kind: those that people save, and `configured` ones.

    The configured ones cannot be changed here. `specs` are the reports that there are, by which
    the names of parameters are checked; without any they are not.
    """

    def __init__(
        self,
        documents: Documents,
        configured: Views = _NO_VIEWS,
        specs: Callable[[], Sequence[ReportSpec]] = tuple,
    ) -> None:
        self._documents = documents
        self._configured = configured
        self._specs = specs

    def check_configured(self, where: str) -> None:
        """Raise `InvalidSettings`, after `where`, for a configured view that no report takes."""
        for kind, views in self._configured.items():
            for name, parameters in views.items():
                try:
                    self._check(kind, name, parameters)
                except InvalidSettings as error:
                    raise InvalidSettings(f"{where}{error.detail}") from None

    def all(self, kind: str) -> dict[str, dict[str, str]]:
        """Everything of one kind, by name."""
        found = self._documents.read(_known(kind), dict[str, dict[str, str]])
        own = {name: dict(view) for name, view in self._configured.get(kind, {}).items()}
        return dict(sorted({**found, **own}.items()))

    def is_configured(self, kind: str, name: str) -> bool:
        """Whether it stands in the configuration, where alone it can be changed."""
        return name in self._configured.get(kind, {})

    def save(self, kind: str, name: str, parameters: Mapping[str, str]) -> None:
        """Save under a name; a former one of that name is replaced. Raises `InvalidSettings`."""
        name = name.strip()
        chosen = {key: value for key, value in parameters.items() if value}
        self._check(_known(kind), name, chosen)
        self._changeable(kind, name)

        def edit(found: dict[str, dict[str, str]]) -> None:
            found[name] = chosen

        self._documents.change(kind, dict[str, dict[str, str]], edit)

    def remove(self, kind: str, name: str) -> None:
        """Forget one. Raises `InvalidSettings` where there is none, or it is configured."""
        self._changeable(_known(kind), name)

        def edit(found: dict[str, dict[str, str]]) -> None:
            if found.pop(name, None) is None:
                raise InvalidSettings(f"there is no '{name}' among the saved {kind}")

        self._documents.change(kind, dict[str, dict[str, str]], edit)

    def export_toml(self) -> str:
        """Everything there is, as text for `sojourn.toml` or another console."""
        lines = []
        for kind in KINDS:
            for name, parameters in self.all(kind).items():
                lines.append(f"[{kind}.{_quoted(name)}]")
                lines += [f"{_quoted(key)} = {_quoted(value)}" for key, value in parameters.items()]
                lines.append("")
        return "\n".join(lines)

    def import_toml(self, text: str) -> int:
        """Take in what `export_toml` wrote; all of it or, with `InvalidSettings`, nothing.

        What stands in the configuration just so is passed over. Returns how many were saved.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidSettings(f"this is not TOML: {error}") from None
        entries = [
            (kind, name, parameters)
            for kind, views in read_views(document).items()
            for name, parameters in views.items()
        ]
        if not entries:
            raise InvalidSettings("there is no [funnels.…], [reports.…] or [segments.…] in it")
        changed = [one for one in entries if self._configured.get(one[0], {}).get(one[1]) != one[2]]
        for kind, name, parameters in changed:
            self._check(kind, name, parameters)
            self._changeable(kind, name)
        for kind, name, parameters in changed:
            self.save(kind, name, parameters)
        return len(changed)

    def notes(self) -> dict[str, Note]:
        """The notes on problems, by the problem's id."""
        return self._documents.read("notes", dict[str, Note])

    def annotate(self, problem: str, note: Note) -> None:
        """Write a note on a problem; an empty one that mutes nothing removes it."""

        def edit(notes: dict[str, Note]) -> None:
            notes[problem] = note
            if not note.text and not note.muted:
                del notes[problem]

        self._documents.change("notes", dict[str, Note], edit)

    def _check(self, kind: str, name: str, parameters: Mapping[str, str]) -> None:
        """Whether the view has a name, says something, and says what its report can be asked."""
        check_name(name)
        if not parameters:
            raise InvalidSettings(f"'{name}' says nothing; choose at least one filter or step")
        specs = {spec.name: spec for spec in self._specs()}
        if not specs:
            return
        place = f"{kind}.{name}"
        report = _REPORT_OF.get(kind) or parameters.get("report", "")
        if report not in PAGES:
            raise InvalidSettings(
                f"{place}.report is '{report}', which has no page; there are: {', '.join(PAGES)}"
            )
        known = {one.name: one for one in specs[report].parameters}
        if report == "overview":  # its page draws a trend, too
            known |= {one.name: one for one in specs["trend"].parameters}
        for key, value in parameters.items():
            if (kind == "reports" and key == "report") or (
                report == "overview" and key == "metric"
            ):
                continue
            if key not in known:
                raise InvalidSettings(
                    f"{place}.{key}: the report '{report}' has no such parameter; "
                    f"it has: {', '.join(known)}"
                )
            choices = known[key].choices
            if choices and any(part not in choices for part in value.split("|")):
                raise InvalidSettings(f"{place}.{key}: '{value}' is none of {', '.join(choices)}")

    def _changeable(self, kind: str, name: str) -> None:
        if self.is_configured(kind, name):
            raise InvalidSettings(f"'{name}' stands in the configuration file; change it there")


def page_of(kind: str, parameters: Mapping[str, str]) -> str:
    """The address of the page that shows a view."""
    asked = dict(parameters)
    report = asked.pop("report", "") if kind == "reports" else _REPORT_OF[kind]
    return f"{PAGES.get(report, '/')}?{urlencode(asked)}"


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise InvalidSettings(f"what is saved is one of {', '.join(KINDS)}")
    return kind


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
