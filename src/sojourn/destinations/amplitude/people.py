"""User properties of an Amplitude event: traits, campaign, operations."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.destinations.amplitude.fields import OWN_FIELD, OWN_FIELD_OF_SCREENS
from sojourn.destinations.values import at, child, drop, holds, put, text, traits_of

ADDRESS = ("city", "country", "postalCode", "state", "street")
"""The parts of `address` that become user properties of their own on identify."""

OPERATIONS = (
    ("$add", "traitsToIncrement"),
    ("$setOnce", "traitsToSetOnce"),
    ("$append", "traitsToAppend"),
    ("$prepend", "traitsToPrepend"),
)
"""Amplitude's operation, and the setting that names the traits it is for."""

_KEPT = frozenset(
    {
        "$add",
        "$append",
        "$postInsert",
        "$preInsert",
        "$prepend",
        "$remove",
        "$set",
        "$setOnce",
        "$unset",
    }
)


def initial(event: Mapping[str, Any]) -> dict[str, Any]:
    """Where the person came from first, and the campaign with `utm_` in front of its keys."""
    properties: dict[str, Any] = {}
    context = event.get("context")
    if context.__class__ is not dict:
        return properties
    page = context.get("page")
    if page.__class__ is dict:
        for key in ("initial_referrer", "initial_referring_domain"):
            if key in page:
                properties[key] = page[key]
    campaign = context.get("campaign")
    if campaign.__class__ is dict:
        for key, value in campaign.items():
            properties["utm_" + key] = value
    return properties


def traits_to_send(event: Mapping[str, Any]) -> Any:
    """The event's traits without those that override a computed field of the event."""
    traits = event.get("traits")
    if not isinstance(traits, dict):
        return traits_of(event)
    screen = str(event.get("type")).lower() == "screen"
    own = OWN_FIELD_OF_SCREENS if screen else OWN_FIELD
    taken = [key for key in traits if key in own and traits[key] is not None]
    return {key: one for key, one in traits.items() if key not in taken} if taken else traits


def identified(
    event: Mapping[str, Any], properties: dict[str, Any], operations: Sequence[tuple[str, Any]]
) -> dict[str, Any]:
    """The user properties of an identify: traits over `userProperties` over `properties`."""
    extra = event.get("userProperties")
    if isinstance(extra, dict):
        properties |= extra
    traits = traits_to_send(event)
    if isinstance(traits, dict):
        traits = _operated(traits, operations)
        for name, value in traits.items():
            if name == "address":
                for part in ADDRESS:
                    if properties.get(part) is None and holds(value, part):
                        properties[part] = child(value, part)
            elif "." in name:
                put(properties, name, value)
            else:
                properties[name] = value
    unset = child(child(event.get("integrations"), "Amplitude"), "fieldsToUnset")
    if isinstance(unset, list):
        properties["$unset"] = {text(one): "-" for one in unset}
    return properties


def _operated(
    traits: Mapping[str, Any], operations: Sequence[tuple[str, Any]]
) -> Mapping[str, Any]:
    """The traits with those that an operation is set up for moved below it."""
    if not operations:
        return traits
    moved: dict[str, Any] = copy.deepcopy(dict(traits))
    for operation, rows in operations:
        given = [row.get("traits") for row in rows if isinstance(row, dict)]
        names = [name for name in given if isinstance(name, str) and name]
        if not names:
            continue
        moved[operation] = {name: at(moved, name) for name in names if holds(moved, name)}
        for name in names:
            drop(moved, name)
    return moved


def below_set(properties: dict[str, Any]) -> dict[str, Any]:
    """Move all that stands under no operation below `$set`, unless an operation has it too."""
    operations = {key: value for key, value in properties.items() if key in _KEPT}
    taken = {name for value in operations.values() if isinstance(value, dict) for name in value}
    rest = {
        key: value
        for key, value in properties.items()
        if key not in operations and key not in taken
    }
    if rest:
        operations["$set"] = operations.get("$set", {}) | rest
    return operations
