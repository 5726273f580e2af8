"""From one event to the requests that Amplitude wants for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.destinations.amplitude import fields, people
from sojourn.destinations.amplitude.revenue import Part, parts, root_fields, typed_fields
from sojourn.destinations.amplitude.session import session_id
from sojourn.destinations.request import JSON_TYPE, Body, Request
from sojourn.destinations.values import at, child, epoch_ms, holds, put, text, traits_of, truthy

HOSTS = {"EU": "https://api.eu.amplitude.com"}
DEFAULT_HOST = "https://api2.amplitude.com"

_HEADERS = {"Content-Type": JSON_TYPE}
_OPTIONS = {"min_id_length": 1}
_PLACEHOLDER = re.compile(r"{{([^{}]+)}}")
_OVERRIDES = frozenset(
    {
        *(target for target, *_ in (*fields.PLAIN, *fields.PLACE)),
        *fields.OWN_FIELD,
        *fields.REVENUE,
        "insert_id",
    }
)
_IF_THERE = frozenset({"insert_id", *fields.REVENUE})
"""Fields that not every event has; a trait makes none of them."""


class Transform:
    """The mapping for one set of settings, under the names that RudderStack gives them."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.key = config.get("apiKey")
        self.host = config.get("baseUrl") or HOSTS.get(
            config.get("residencyServer", ""), DEFAULT_HOST
        )
        self.brand_mapped = truthy(config.get("mapDeviceBrand"))
        self.enhanced = truthy(config.get("enableEnhancedUserOperations"))
        self.operations = [
            (operation, config[setting])
            for operation, setting in people.OPERATIONS
            if isinstance(config.get(setting), list)
        ]

    def requests(self, event: Mapping[str, Any]) -> list[Request]:
        """The requests for one event, in order. Raises `InvalidEvent` or `InvalidSettings`."""
        if not self.key:
            raise InvalidSettings("Amplitude needs `api_key`")
        kind = event.get("type")
        if not isinstance(kind, str):
            raise InvalidEvent("the event has no `type`")
        kind = kind.lower()
        event = _with_external_id(event)
        if kind == "track":
            config = self.config
            return [
                self._event(event, kind, part)
                for part in parts(
                    event, config.get("trackRevenuePerProduct"), config.get("trackProductsOnce")
                )
            ]
        if kind in ("page", "screen"):
            return [self._event(event, kind, self._view(event, kind))]
        if kind == "identify":
            return [self._event(event, kind, Part("$identify", None, event.get("messageId")))]
        if kind == "group":
            return self._group(event)
        if kind == "alias":
            return [self._alias(event)]
        raise InvalidEvent(f"Amplitude takes no event of type `{kind}`")

    def _view(self, event: Mapping[str, Any], kind: str) -> Part:
        """The Amplitude event of a page or screen."""
        title = kind.title()
        name = event.get("name")
        properties = event.get("properties")
        shown = [name, child(properties, "category")]
        if kind == "screen":
            shown.insert(1, event.get("event"))
        found = next((one for one in shown if truthy(one)), shown[-1])
        if truthy(self.config.get(f"useUserDefined{title}EventName")):
            template = self.config.get(f"userProvided{title}EventString")
            event_name = _named(template, event, name)
        else:
            event_name = f"Viewed {text(found) if truthy(found) else ''} {title}"
        merged = dict(properties) if isinstance(properties, dict) else {}
        merged.pop("name", None)
        if found is not None:
            merged["name"] = found
        return Part(event_name, merged, event.get("messageId"))

    def _event(self, event: Mapping[str, Any], kind: str, part: Part, group: Any = None) -> Request:
        """The request with one Amplitude event."""
        name = part.name
        if not isinstance(name, str) or not name:
            raise InvalidEvent("the event's name must be a text that is not empty")
        out: dict[str, Any] = {}
        fields.device(event, self.brand_mapped, out)
        if kind != "group":
            out["insert_id"] = part.insert_id
        if kind == "track":
            typed_fields(part, out)
        self._overridden(event, out)
        fields.mobile(event, self.brand_mapped, out)
        properties = people.initial(event)
        amplitude = child(event.get("integrations"), "Amplitude")
        if kind == "identify":
            people.identified(event, properties, self.operations)
        elif kind == "group":
            _grouped(group, properties, out)
        else:
            if self.enhanced:
                people.identified(event, properties, self.operations)
            traits = people.traits_to_send(event)
            if isinstance(traits, dict):
                properties |= traits
            out["event_properties"] = root_fields(part, out)
            groups = child(amplitude, "groups")
            out["groups"] = groups if truthy(groups) else None
            out["user_id"] = event.get("userId")
        out["event_type"] = name
        out["user_properties"] = _without_place(
            people.below_set(properties) if self.enhanced else properties
        )
        self._finish(event, amplitude, out)
        value = {"api_key": self.key, "events": [out], "options": _OPTIONS}
        return Request("POST", f"{self.host}/2/httpapi", Body(value), _HEADERS)

    def _overridden(self, event: Mapping[str, Any], out: dict[str, Any]) -> None:
        """Let traits named like a field override it."""
        traits = event.get("traits")
        if isinstance(traits, dict):
            for name in traits.keys() & _OVERRIDES:
                if traits[name] is not None and (name not in _IF_THERE or name in out):
                    out[name] = traits[name]

    def _finish(self, event: Mapping[str, Any], amplitude: Any, out: dict[str, Any]) -> None:
        """The ids, the session and what else stands on every event."""
        user_id = event.get("userId")
        if truthy(user_id):
            out["user_id"] = user_id
        elif not truthy(out.get("device_id")):
            raise InvalidEvent("Amplitude needs `userId` or `anonymousId`")
        out["session_id"] = session_id(event)
        if amplitude:
            event_id = child(amplitude, "event_id")
            if "event_id" not in out and event_id is not None and not isinstance(event_id, str):
                out["event_id"] = event_id
            if truthy(child(amplitude, "skipUserPropertiesSync")):
                out["$skip_user_properties_sync"] = True
        ip = child(event.get("context"), "ip")
        out["ip"] = ip if truthy(ip) else event.get("request_ip")
        out["library"] = "rudderstack"
        for key in [key for key, value in out.items() if value is None]:
            del out[key]
        stamp = event.get("timestamp") or event.get("originalTimestamp")
        out["time"] = epoch_ms(stamp) if stamp else 0

    def _group(self, event: Mapping[str, Any]) -> list[Request]:
        """An identify with the group, and the group's own properties."""
        type_trait, value_trait = (
            self.config.get("groupTypeTrait"),
            self.config.get("groupValueTrait"),
        )
        group = child(child(event.get("integrations"), "Amplitude"), "groups")
        if type_trait and value_trait:
            traits = traits_of(event)
            kind, value = at(traits, type_trait), at(traits, value_trait)
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (
                kind and isinstance(kind, str) and value and (numeric or isinstance(value, str))
            ):
                raise InvalidEvent(
                    f"the traits `{type_trait}` (text) and `{value_trait}` (text or number) "
                    "must name the group"
                )
            shown = people.traits_to_send(event)
            group = {"group_type": kind, "group_value": value, "group_properties": shown}
        requests = [self._event(event, "group", Part("$identify", None, None), group)]
        if truthy(group):
            form = {"api_key": self.key, "identification": group}
            requests.append(Request("POST", f"{self.host}/groupidentify", Body(form, "form")))
        return requests

    def _alias(self, event: Mapping[str, Any]) -> Request:
        """The mapping of one user id to another, or its undoing."""
        unmap = child(child(event.get("integrations"), "Amplitude"), "unmap")
        properties = people.initial(event)
        shown = people.below_set(properties) if self.enhanced else properties
        mapping: dict[str, Any] = {"user_properties": shown}
        if truthy(unmap):
            mapping |= {"user_id": unmap, "unmap": True}
        else:
            for target, key in (("global_user_id", "userId"), ("user_id", "previousId")):
                own = child(event.get("traits"), target)
                if own is not None:
                    mapping[target] = own
                elif key in event:
                    mapping[target] = event[key]
        event_id = child(child(event.get("integrations"), "Amplitude"), "event_id")
        if event_id is not None and not isinstance(event_id, str):
            mapping["event_id"] = event_id
        form = {"api_key": self.key, "mapping": mapping}
        return Request("POST", f"{self.host}/usermap", Body(form, "form"))


def _grouped(group: Any, properties: dict[str, Any], out: dict[str, Any]) -> None:
    kind, value = child(group, "group_type"), child(group, "group_value")
    if truthy(kind) and truthy(value):
        out["groups"] = {text(kind): value}
        put(properties, text(kind), value)


def _without_place(properties: dict[str, Any]) -> dict[str, Any]:
    """City and country stand at the root of the event, so they leave the user properties."""
    properties.pop("city", None)
    properties.pop("country", None)
    address = properties.get("address")
    if isinstance(address, dict):
        properties["address"] = {
            key: value for key, value in address.items() if key not in ("city", "country")
        }
    return properties


def _named(template: Any, event: Mapping[str, Any], name: Any) -> Any:
    """The event name that the user's template gives; without a template there is none."""
    if not isinstance(template, str):
        return None
    return _filled(template.strip(), event) if template.strip() else name


def _filled(template: str, event: Mapping[str, Any]) -> str:
    """The template with all placeholders replaced by the value of the first one's path."""
    start, end = template.find("{") + 2, template.find("}")
    path = template[min(start, end) : max(start, end)].strip() if end >= 0 else ""
    value = at(event, path)
    shown = text(value) if holds(event, path) else "undefined"
    return _PLACEHOLDER.sub(lambda _: shown, template)


def _with_external_id(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event of a reverse ETL source: its external id is a trait, and perhaps the user id."""
    context = event.get("context")
    if not (isinstance(context, dict) and truthy(context.get("mappedToDestination"))):
        return event
    name, value = at(context, "externalId.0.identifierType"), at(context, "externalId.0.id")
    traits = traits_of(event)
    changed = {**event}
    known = isinstance(name, str) and name and holds(context, "externalId.0.id")
    if known and isinstance(traits, dict):
        extended = {**traits, name: value}
        if traits is event.get("traits"):
            changed["traits"] = extended
        else:
            changed["context"] = {**context, "traits": extended}
    if name == "user_id" and truthy(value):
        changed["userId"] = value
    return changed
