"""The settings of a destination as data: names, kinds, and how they are checked.

In `sojourn.toml` the names are in snake case; the transforms use the names that RudderStack
gives the same settings (`wire`), so that a configuration can be carried over.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sojourn.core.errors import InvalidSettings

Kind = Literal["text", "flag", "number", "names", "pairs", "table"]

_WANTED = {
    "text": "a text",
    "flag": "true or false",
    "number": "a number",
    "names": "a list of texts",
    "pairs": "a table of texts",
    "table": "a table",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a destination.

    `names` is a list of texts that becomes rows `{item: text}`; `pairs` is a table that becomes
    rows `{"from": name, "to": value}`.
    """

    name: str
    wire: str
    help: str
    kind: Kind = "text"
    item: str = ""
    choices: Sequence[str] = ()
    required: bool = False
    secret: bool = False


def read(where: str, given: Mapping[str, Any], options: Sequence[Option]) -> dict[str, Any]:
    """The settings under their wire names. Raises `InvalidSettings` naming field and fix.

    `where` names the destination in errors. Values never appear there, as they may be secret.
    """
    known = {option.name: option for option in options}
    config: dict[str, Any] = {}
    for name, value in given.items():
        option = known.get(name)
        if option is None:
            close = difflib.get_close_matches(name, known, 1)
            fix = f"did you mean `{close[0]}`?" if close else f"it knows {', '.join(known)}"
            raise InvalidSettings(f"{where}: there is no setting `{name}`; {fix}")
        config[option.wire] = _checked(where, option, value)
    for option in options:
        if option.required and not config.get(option.wire):
            raise InvalidSettings(f"{where}: `{option.name}` is missing: {option.help}")
    return config


def _checked(where: str, option: Option, value: Any) -> Any:
    fits = {
        "text": lambda: isinstance(value, str),
        "flag": lambda: isinstance(value, bool),
        "number": lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
        "names": lambda: isinstance(value, list) and all(isinstance(one, str) for one in value),
        "pairs": lambda: (
            isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values())
        ),
        "table": lambda: isinstance(value, Mapping),
    }[option.kind]()
    if not fits:
        raise InvalidSettings(f"{where}: `{option.name}` must be {_WANTED[option.kind]}")
    if option.choices and value not in option.choices:
        allowed = ", ".join(option.choices)
        raise InvalidSettings(f"{where}: `{option.name}` must be one of {allowed}")
    if option.kind == "names":
        return [{option.item: one} for one in value] if option.item else list(value)
    if option.kind == "pairs":
        return [{"from": name, "to": one} for name, one in value.items()]
    return value


def secrets(config: Mapping[str, Any], options: Sequence[Option]) -> list[str]:
    """The secret texts among the settings, to be kept out of errors and logs."""
    found = []
    for option in options:
        value = config.get(option.wire)
        if option.secret and isinstance(value, str) and value:
            found.append(value)
        elif option.secret and isinstance(value, list):
            found += [row["to"] for row in value if isinstance(row, dict) and row.get("to")]
    return found
