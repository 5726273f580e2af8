"""Identity rules: which ids belong to one person, as rows of `rudder_identity_merge_rules`."""

from __future__ import annotations

import hashlib
from typing import Any

from sojourn.warehouse.transform.errors import UnusableEvent
from sojourn.warehouse.transform.gotext import go_text
from sojourn.warehouse.transform.values import is_blank

MERGE_RULES_TABLE = "rudder_identity_merge_rules"
ANONYMOUS_ID = "anonymous_id"
USER_ID = "user_id"
LONGEST_INDEXED = 512
"""Bytes of an id and its type together."""

Property = tuple[str, str]
"""Type and value of an id."""


def as_text(value: Any) -> str:
    """An id as text; blank is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if is_blank(value) else go_text(value)


def call_properties(call: str, event: dict[str, Any]) -> list[Property]:
    """The ids that a call ties together: one or two, none if it has none."""
    user = (USER_ID, as_text(event.get("userId")))
    if call == "alias":
        first, second = user, (USER_ID, as_text(event.get("previousId")))
    else:
        first, second = (ANONYMOUS_ID, as_text(event.get("anonymousId"))), user
        if not first[1]:
            first, second = user, first
    if not first[1]:
        return []
    return [first, second] if second[1] else [first]


def merge_properties(event: dict[str, Any]) -> list[Property]:
    """The ids of a `merge` event. Raises `UnusableEvent` unless there are two whole ones."""
    given = event.get("mergeProperties")
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


def merge_rule(properties: list[Property]) -> dict[str, str]:
    """The columns of an identity rule, by their plain names.

    A value that is too long for the index over it and its type gives way to a generated id, as
    RudderStack's loader has it. Ours follows from both, so that rules about one long id still
    meet. (No row of `rudder_discards` tells of it: those need an `id`, and rules have none.)
    """
    row: dict[str, str] = {}
    for number, (kind, value) in enumerate(properties, 1):
        row[f"merge_property_{number}_type"] = kind
        row[f"merge_property_{number}_value"] = _indexable(kind, value)
    return row


def _indexable(kind: str, value: str) -> str:
    whole = (kind + value).encode("utf-8", "surrogatepass")
    if len(whole) <= LONGEST_INDEXED:
        return value
    return hashlib.md5(whole, usedforsecurity=False).hexdigest()
