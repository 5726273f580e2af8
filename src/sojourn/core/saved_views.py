"""Funnels, reports and segments that are kept by name, as a TOML document says them.

A view is a set of report parameters under a name: those of the report `funnel` for a funnel,
filters for a segment, and for a report its own parameters with `report`, the report's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sojourn.core.errors import InvalidSettings

KINDS: Final[tuple[str, ...]] = ("funnels", "reports", "segments")
LONGEST_NAME: Final = 200
"""Characters."""
_NEEDED: Final = {"funnels": "steps", "reports": "report"}

Views = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Kind → name → parameters."""


def read_views(
    document: Mapping[str, Any], where: str = ""
) -> dict[str, dict[str, dict[str, str]]]:
    """The views of a document's tables `funnels`, `reports` and `segments`; other keys are left.

    A list of texts counts as its texts joined by `|`, true and false as yes and no, a number as
    its digits. Raises `InvalidSettings`, which names the key (after `where`) and the fix.
    """
    return {
        kind: {
            name: _parameters(f"{where}{kind}.{name}", kind, name, entry)
            for name, entry in _table(f"{where}{kind}", f"[{kind}.name]", document[kind]).items()
        }
        for kind in KINDS
        if kind in document
    }


def check_name(name: str) -> None:
    """Raise `InvalidSettings` for a name that is too short, too long or cannot be shown."""
    if not 0 < len(name) <= LONGEST_NAME or name != name.strip():
        raise InvalidSettings(
            f"a name has 1 to {LONGEST_NAME} characters, and no blank at its ends"
        )


def _parameters(place: str, kind: str, name: str, entry: Any) -> dict[str, str]:
    try:
        check_name(name)
    except InvalidSettings as error:
        raise InvalidSettings(f"{place}: {error.detail}") from None
    table = _table(place, f"[{kind}.name]", entry)
    found = {key: _text(f"{place}.{key}", value) for key, value in table.items()}
    found = {key: text for key, text in found.items() if text}
    needed = _NEEDED.get(kind, "")
    if needed and needed not in found:
        raise InvalidSettings(f'{place}.{needed} is missing; write {needed} = "…"')
    if not found:
        raise InvalidSettings(f"{place} says nothing; name at least one filter")
    return found


def _table(place: str, example: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSettings(f"{place} must be a table, such as {example}")
    return value


def _text(place: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "|".join(value)
    if not isinstance(value, str):
        raise InvalidSettings(f"{place} must be text or a list of texts; put it in quotes")
    return value
