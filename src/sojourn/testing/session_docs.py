"""Writes the tables of `docs/session-machine.md` from the code of the session machine.

`python -m sojourn.testing.session_docs FILE` renews the blocks of a file between
`<!-- begin NAME -->` and `<!-- end NAME -->`; a test compares the file with `render`.
"""

from __future__ import annotations

import ast
import enum
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sojourn.core import policy as policy_module
from sojourn.core.policy import Keys, Policy
from sojourn.core.profiles import PROFILES
from sojourn.core.session import TRANSITIONS, Kind, Reason

__all__ = ["main", "render"]

_GOING_ON = {Kind.NONE: "no session", Kind.AUTO: "automatic", Kind.MANUAL: "manual"}


def render(text: str) -> str:
    """The text with its generated blocks renewed."""
    for name, table in _BLOCKS.items():
        block = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text = block.sub(lambda found, table=table: found[1] + table() + found[2], text)  # type: ignore[misc]
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _transitions() -> str:
    rows = []
    for given, by_kind in TRANSITIONS.items():
        for transition in dict.fromkeys(by_kind.values()):
            kinds = [_GOING_ON[kind] for kind in Kind if by_kind[kind] is transition]
            rows.append(
                (
                    f"`{given.__name__}`",
                    "any" if len(kinds) == len(Kind) else ", ".join(kinds),
                    _first_sentence(transition.__doc__),
                    ", ".join(f"`{reason.name}`" for reason in transition.reasons),  # type: ignore[attr-defined]
                )
            )
    return _table(("input", "going on", "what happens", "reasons"), rows)


def _reasons() -> str:
    return _table(("reason", "meaning"), [(f"`{reason.name}`", reason.value) for reason in Reason])


def _parameters() -> str:
    meanings = _meanings(Policy)
    rows = [
        (
            f"`{field.name}`",
            meanings.get(field.name, ""),
            *(_shown(getattr(profile, field.name)) for profile in PROFILES.values()),
        )
        for field in fields(Policy)
        if field.name != "keys"
    ]
    table = _table(("parameter", "meaning", *PROFILES), rows)
    return table + "\n" + _choices()


def _choices() -> str:
    """What the named values of parameters mean."""
    rows = [
        (f"`{kind.__name__}`", f"`{choice.name}`", choice.value)
        for kind in vars(policy_module).values()
        if isinstance(kind, type) and issubclass(kind, enum.Enum) and kind is not enum.Enum
        for choice in kind
    ]
    return _table(("choice", "value", "meaning"), rows)


def _keys() -> str:
    rows = [
        (name, *(_code(getattr(profile.keys, field.name)) for field in fields(Keys)))
        for name, profile in PROFILES.items()
    ]
    return _table(("platform", *(field.name for field in fields(Keys))), rows)


def _code(key: str) -> str:
    return f"`{key}`" if key else ""


def _shown(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, bool):
        return "yes" if value else "-"
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)


def _meanings(kind: type) -> dict[str, str]:
    """The docstrings that stand below the fields of a class."""
    (body,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(body, ast.ClassDef)  # what getsource gives for a class
    found: dict[str, str] = {}
    for line, below in zip(body.body, body.body[1:], strict=False):
        if not isinstance(line, ast.AnnAssign) or not isinstance(below, ast.Expr):
            continue
        if isinstance(line.target, ast.Name) and isinstance(below.value, ast.Constant):
            found[line.target.id] = _first_sentence(str(below.value.value))
    return found


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


_BLOCKS: dict[str, Callable[[], str]] = {
    "transitions": _transitions,
    "reasons": _reasons,
    "parameters": _parameters,
    "keys": _keys,
}


def main(arguments: Sequence[str]) -> int:
    """Renews the blocks of the files. Returns the exit status."""
    for name in arguments:
        path = Path(name)
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
