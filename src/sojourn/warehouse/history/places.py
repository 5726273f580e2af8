"""Where a column's value stood in the event that the row was made of.

Flattening loses the spelling of keys and the nesting. It is undone where names allow it: for what
RudderStack's SDKs send, and what Sojourn reads. Any other name stays as it is within `context`,
`properties` or `traits`; flattened again, it gives the same column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

Path = tuple[str, ...]

PROPERTIES, TRAITS = "properties", "traits"
_TOP: Mapping[str, str] = {
    "id": "messageId",
    "anonymous_id": "anonymousId",
    "user_id": "userId",
    "received_at": "receivedAt",
    "sent_at": "sentAt",
    "timestamp": "timestamp",
    "original_timestamp": "originalTimestamp",
    "channel": "channel",
}
_OWN: Mapping[str, Mapping[str, str]] = {
    "track": {"event_text": "event"},
    "page": {"name": "name"},
    "screen": {"name": "name"},
    "group": {"group_id": "groupId"},
    "alias": {"previous_id": "previousId"},
}
_OF_THE_LOAD = frozenset(
    (
        "uuid_ts",
        "loaded_at",
        "context_source_id",
        "context_source_type",
        "context_destination_id",
        "context_destination_type",
        "rudder_event",
    )
)
"""What RudderStack's server and loader added: ours adds its own."""
_NOT_SENT: Mapping[str, Collection[str]] = {"track": ("event", "record_id")}
_CONTEXT = "context_"
_CONTEXT_KEYS: Mapping[str, str] = {
    "user_agent": "userAgent",
    "session_id": "sessionId",
    "session_start": "sessionStart",
    "instance_id": "instanceId",
    "group_id": "groupId",
}
_OBJECTS: Mapping[str, Mapping[str, str]] = {
    "app": {},
    "campaign": {},
    "device": {
        "advertising_id": "advertisingId",
        "ad_tracking_enabled": "adTrackingEnabled",
        "attribution_id": "attributionId",
    },
    "geo": {},
    "library": {},
    "location": {},
    "network": {},
    "os": {},
    "page": {},
    "referrer": {},
    "screen": {"inner_width": "innerWidth", "inner_height": "innerHeight"},
    "traits": {},
}
"""Objects within the context, and keys of theirs that are not in snake case."""
_PROPERTY_KEYS: Mapping[str, str] = {
    "visit_duration": "visitDuration",
    "non_interaction": "nonInteraction",
}
_OF_TRAITS = frozenset(("identify", "group", "alias"))


def place_of(
    kind: str, column: str, columns: Collection[str], reserved: Collection[str]
) -> Path | None:
    """The path in the event of `column` of a table of `kind`; None if it was not sent.

    `columns`: all of the table, in lower case. `reserved`: words, in upper case, that got an
    underscore in front when they became names.
    """
    if column in _OF_THE_LOAD or column in _NOT_SENT.get(kind, ()):
        return None
    top = _TOP.get(column) or _OWN.get(kind, {}).get(column)
    if top is not None:
        return (top,)
    if column.startswith(_CONTEXT):
        return _in_context(column.removeprefix(_CONTEXT), columns)
    part = TRAITS if kind in _OF_TRAITS else PROPERTIES
    if column.startswith("_") and column[1:].upper() in reserved:
        column = column[1:]
    return (part, _PROPERTY_KEYS.get(column, column))


def _in_context(name: str, columns: Collection[str]) -> Path | None:
    if name == "request_ip":
        return ("request_ip",)
    if name == "passed_ip":
        return ("context", "ip")
    if name == "ip":  # of the two others, which older tables do not have
        known = {"context_request_ip", "context_passed_ip"}.intersection(columns)
        return None if known else ("request_ip",)
    if name in _CONTEXT_KEYS:
        return ("context", _CONTEXT_KEYS[name])
    for within, keys in _OBJECTS.items():
        key = name.removeprefix(f"{within}_")
        # A text of the same name leaves no room for an object.
        if key and key != name and _CONTEXT + within not in columns:
            return ("context", within, keys.get(key, key))
    return ("context", name)
