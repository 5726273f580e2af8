"""Mixpanel's profiles: people for `/engage/` and groups for `/groups/`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.destinations.mixpanel import fields
from sojourn.destinations.mixpanel.events import browser
from sojourn.destinations.values import at, child, drop, epoch_ms, put, text, truthy

OPERATIONS = (
    ("$set_once", "setOnceProperties"),
    ("$union", "unionProperties"),
    ("$append", "appendProperties"),
)
"""Mixpanel's operation, and the setting that names the traits it is for."""


def operations(config: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The operations that are set up, each with the paths of its traits."""
    found = []
    for operation, setting in OPERATIONS:
        rows = config.get(setting)
        names = [row.get("property") for row in rows] if isinstance(rows, list) else []
        paths = [name for name in names if isinstance(name, str) and name]
        if paths:
            found.append((operation, paths))
    return found


def split(
    event: Mapping[str, Any], planned: Sequence[tuple[str, list[str]]]
) -> tuple[Mapping[str, Any], list[tuple[str, dict[str, Any]]]]:
    """The event without the traits that go into an operation, and the operations' contents."""
    if not planned:
        return event, []
    context = event.get("context")
    traits = copy.deepcopy(event.get("traits"))
    more = copy.deepcopy(child(context, "traits"))
    done: list[tuple[str, dict[str, Any]]] = []
    for operation, paths in planned:
        content = _mapped(_taken(traits, more, paths))
        if operation == "$union":
            content = {
                name: value if isinstance(value, list) else [value]
                for name, value in content.items()
            }
        if content:
            done.append((operation, content))
    rest: dict[str, Any] = {**event}
    if traits is not None:
        rest["traits"] = traits
    if isinstance(context, dict):
        rest["context"] = {**context, "traits": more}
    return rest, done


def _taken(traits: Any, more: Any, paths: Sequence[str]) -> dict[str, Any]:
    """Move what stands at the paths out of both objects, under the paths' last names.

    The first object goes first. Null and what is empty stay where they are.
    """
    taken: dict[str, Any] = {}
    for path in paths:
        name = path.rpartition(".")[2]
        value, other = at(traits, path), at(more, path)
        if not _is_empty(value):
            taken[name] = value
            drop(traits, path)
        if not _is_empty(other):
            taken.setdefault(name, other)
            drop(more, path)
    return taken


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, []) or (isinstance(value, str) and not value.strip())


def _mapped(traits: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    fields.map_traits(traits, out)
    _own_names(traits, out)
    return out


def _own_names(traits: Any, out: dict[str, Any]) -> None:
    """Write the traits that Mixpanel has no property for under their own names."""
    if isinstance(traits, dict):
        for name, value in traits.items():
            if name not in fields.STANDARD_TRAITS:
                if "." in name:
                    put(out, name, value)
                else:
                    out[name] = value


def profile(event: Mapping[str, Any], new_names: bool) -> dict[str, Any]:
    """The properties of a person's profile. Raises `InvalidEvent`."""
    out: dict[str, Any] = {}
    fields.map_profile(event, out)
    if out.get("$geo_source", "reverse_geocoding") != "reverse_geocoding":
        raise InvalidEvent("`geoSource` must be null or `reverse_geocoding`")
    first, last = out.get("$first_name"), out.get("$last_name")
    if not truthy(out.get("$name")):
        out.pop("$name", None)
        if truthy(first) and truthy(last):
            out["$name"] = f"{text(first)} {text(last)}"
    context = event.get("context")
    _own_names(event.get("traits"), out)
    _own_names(child(context, "traits"), out)
    if not new_names:
        for old, new in (("$first_name", "$firstName"), ("$last_name", "$lastName")):
            if truthy(out.get(old)):
                out[new] = out.pop(old)
    if isinstance(context, dict):
        _device(event, context, out)
        if event.get("channel") == "web":
            browser(context, out)
    return out


def _device(event: Mapping[str, Any], context: Mapping[str, Any], out: dict[str, Any]) -> None:
    """Write the fields of the platform, and the device's push token where it has one."""
    device = context.get("device")
    token = child(device, "token")
    family = child(device, "type")
    if not isinstance(family, str):
        return
    if family.lower() in fields.APPLE:
        devices = "$ios_devices"
        fields.map_ios(event, out)
    elif family.lower() == "android":
        devices = "$android_devices"
        fields.map_android(event, out)
    else:
        return
    if token is not None:
        out[devices] = [token]


def about(event: Mapping[str, Any], out: dict[str, Any]) -> dict[str, Any]:
    """Write what stands beside `$set` of a person: address and time (ms)."""
    context = event.get("context")
    ip = child(context, "ip")
    ip = ip if truthy(ip) else event.get("request_ip")
    if ip is not None:
        out["$ip"] = ip
    stamp = event.get("timestamp") or event.get("originalTimestamp")
    out["$time"] = epoch_ms(stamp)
    if child(context, "active") is False:
        out["$ignore_time"] = True
    return out


def group_values(event: Mapping[str, Any], settings: Any) -> list[tuple[str, list[Any]]]:
    """The group keys that are set up and the event's values for them.

    Raises `InvalidSettings` where none is set up, `InvalidEvent` where the event has none.
    """
    rows = settings if isinstance(settings, list) else []
    named = [row.get("groupKey") for row in rows if isinstance(row, dict)]
    keys = [key for key in named if isinstance(key, str) and key]
    if not keys:
        raise InvalidSettings("groups need `group_keys`, the traits that name a group")
    found = []
    for key in keys:
        value = at(event.get("traits"), key)
        if key == "groupId":
            own = event.get("groupId")
            value = value if own is None or own == "" else own
        if truthy(value):
            found.append((key, value if isinstance(value, list) else [value]))
    if not found:
        raise InvalidEvent(f"the event has none of the group keys {', '.join(keys)}")
    return found
