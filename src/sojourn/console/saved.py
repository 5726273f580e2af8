"""What people save in the console: funnels, segments, notes. Exported and imported as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sojourn.console.documents import Documents
from sojourn.core.errors import InvalidSettings

KINDS: Final = ("funnels", "segments")
_LONGEST: Final = 200


class Note(msgspec.Struct):
    """What people said about a problem, and whether it is muted. `at`: ms since the epoch."""

    text: str = ""
    muted: bool = False
    by: str = ""
    at: int = 0


class Saved:
    """Named sets of report parameters: those of `funnel` for a funnel, filters for a segment."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def all(self, kind: str) -> dict[str, dict[str, str]]:
        """Everything saved of one kind, by name."""
        found = self._documents.read(_known(kind), dict[str, dict[str, str]])
        return dict(sorted(found.items()))

    def save(self, kind: str, name: str, parameters: Mapping[str, str]) -> None:
        """Save under a name; a former one of that name is replaced. Raises `InvalidSettings`."""
        name = name.strip()
        if not 0 < len(name) <= _LONGEST:
            raise InvalidSettings(f"a name has 1 to {_LONGEST} characters")
        chosen = {key: value for key, value in parameters.items() if value}
        if not chosen:
            raise InvalidSettings(f"'{name}' says nothing; choose at least one filter or step")

        def edit(found: dict[str, dict[str, str]]) -> None:
            found[name] = chosen

        self._documents.change(_known(kind), dict[str, dict[str, str]], edit)

    def remove(self, kind: str, name: str) -> None:
        """Forget one. Raises `InvalidSettings` where there is none."""

        def edit(found: dict[str, dict[str, str]]) -> None:
            if found.pop(name, None) is None:
                raise InvalidSettings(f"there is no '{name}' among the saved {kind}")

        self._documents.change(_known(kind), dict[str, dict[str, str]], edit)

    def export_toml(self) -> str:
        """Everything that is saved, as text for `sojourn.toml` or another console."""
        lines = []
        for kind in KINDS:
            for name, parameters in self.all(kind).items():
                lines.append(f"[{kind}.{_quoted(name)}]")
                lines += [f"{_quoted(key)} = {_quoted(value)}" for key, value in parameters.items()]
                lines.append("")
        return "\n".join(lines)

    def import_toml(self, text: str) -> int:
        """Take in what `export_toml` wrote; all of it or, with `InvalidSettings`, nothing."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidSettings(f"this is not TOML: {error}") from None
        entries = [
            (kind, name, _checked(kind, name, value))
            for kind in KINDS
            for name, value in _table(document.get(kind, {}), kind).items()
        ]
        if not entries:
            raise InvalidSettings("there is no [funnels.…] or [segments.…] in it")
        for kind, name, parameters in entries:
            self.save(kind, name, parameters)
        return len(entries)

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


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise InvalidSettings(f"what is saved is one of {', '.join(KINDS)}")
    return kind


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSettings(f"{where} must be a table, such as [{where}.name]")
    return value


def _checked(kind: str, name: str, value: Any) -> dict[str, str]:
    parameters = _table(value, f"{kind}.{name}")
    for key, text in parameters.items():
        if not isinstance(text, str):
            raise InvalidSettings(f"{kind}.{name}.{key} must be text; put it in quotes")
    return parameters


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
