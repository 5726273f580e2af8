"""Identity rules: which ids belong to one person, as rows of `rudder_identity_merge_rules`."""

from __future__ import annotations

from typing import Any

from sojourn.warehouse.transform.errors import UnusableEvent
from sojourn.warehouse.transform.values import is_blank, json_text

MERGE_RULES_TABLE = "rudder_identity_merge_rules"
ANONYMOUS_ID = "anonymous_id"
USER_ID = "user_id"

Property = tuple[str, Any]
"""Type and value of an id."""


def as_text(value: Any) -> str:
    """An id as text; blank is empty."""
    if isinstance(value, str):
        return value
    return "" if is_blank(value) else json_text(value)


def call_properties(call: str, event: dict[str, Any]) -> list[Property]:
    """The ids that a call ties together: one or two, none if it has none."""
    if call == "alias":
        pair = [(USER_ID, event.get("userId")), (USER_ID, event.get("previousId"))]
    else:
        pair = [(ANONYMOUS_ID, event.get("anonymousId")), (USER_ID, event.get("userId"))]
    return [(kind, text) for kind, value in pair if (text := as_text(value))]


def merge_properties(event: dict[str, Any]) -> list[Property]:
    """The ids of a `merge` event. Raises `UnusableEvent` unless there are two whole ones."""
    given = event.get("mergeProperties")
    if given is None:
        raise UnusableEvent("either or both identifiers missing in mergeProperties")
    if not isinstance(given, list) or len(given) != 2:
        raise UnusableEvent("either or both identifiers missing in mergeProperties")
    pair: list[Property] = []
    for entry in given:
        entry = entry if isinstance(entry, dict) else {}
        kind, value = as_text(entry.get("type")), as_text(entry.get("value"))
        if not kind or not value:
            raise UnusableEvent("mergeProperties contains null values for expected inputs")
        pair.append((kind, value))
    return pair


def merge_rule(properties: list[Property]) -> dict[str, Any]:
    """The columns of an identity rule, by their plain names."""
    row: dict[str, Any] = {}
    for number, (kind, value) in enumerate(properties, 1):
        row[f"merge_property_{number}_type"] = kind
        row[f"merge_property_{number}_value"] = value
    return row
