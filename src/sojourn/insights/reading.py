"""What the session model reads of an event, as typed values.

Nearly every event has texts of bounded length where texts belong, so it is read at once into these
types, from JSON or from what was decoded; others are made so first (`sound`).
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from sojourn.insights.measures import LONGEST_TEXT, text_of

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)] | None
_EMPTY: dict[str, Any] = {}


class Page(Struct, frozen=True, gc=False):
    """`context.page`."""

    url: Text = None
    path: Text = None
    referrer: Text = None
    title: Text = None


class Campaign(Struct, frozen=True, gc=False):
    """`context.campaign`."""

    source: Text = None
    medium: Text = None
    name: Text = None
    term: Text = None
    content: Text = None


class Named(Struct, frozen=True, gc=False):
    """`context.library`, `context.os`, `context.app`."""

    name: Text = None
    version: Text = None


class Device(Struct, frozen=True, gc=False):
    """`context.device`."""

    type: Text = None
    model: Text = None


class Land(Struct, frozen=True, gc=False):
    """`context.geo`, `context.location`."""

    country: Text = None


class Context(Struct, gc=False, rename="camel"):
    """`context`. `session_id` is UNSET where there is none, None where it is null."""

    user_agent: Text = None
    library: Named | None = None
    os: Named | None = None
    device: Device | None = None
    app: Named | None = None
    locale: Text = None
    timezone: Text = None
    geo: Land | None = None
    location: Land | None = None
    country: Text = None
    page: Page | None = None
    campaign: Campaign | None = None
    session_id: int | float | str | bool | UnsetType | None = UNSET
    session_start: bool | None = None


class Event(Struct, gc=False, rename="camel"):
    """An event; `properties` and `traits` are whatever is there."""

    type: str = "unknown"
    message_id: Text = None
    anonymous_id: Text = None
    user_id: Text = None
    event: Text = None
    name: Text = None
    timestamp: Text = None
    received_at: Text = None
    sent_at: Text = None
    original_timestamp: Text = None
    channel: Text = None
    context: Context | None = None
    properties: Any = None
    traits: Any = None


NO_CONTEXT = Context()
NO_PAGE = Page()
read_line = msgspec.json.Decoder(Event).decode
"""An event from JSON. Raises `msgspec.ValidationError` where it is not sound."""
device_facts = attrgetter(
    *("user_agent", "library", "os", "device", "app", "locale", "timezone"),
    *("geo", "location", "country"),
)
"""Of a context: all that the device columns follow from, beside the event's channel."""
_TEXTS = {
    "message_id": "messageId",
    "anonymous_id": "anonymousId",
    "user_id": "userId",
    "event": "event",
    "name": "name",
    "timestamp": "timestamp",
    "received_at": "receivedAt",
    "sent_at": "sentAt",
    "original_timestamp": "originalTimestamp",
}


def read_mapping(event: Mapping[str, Any]) -> Event:
    """An event that is decoded. Raises `msgspec.ValidationError` where it is not sound."""
    return msgspec.convert(event, Event)


def sound(event: Mapping[str, Any], context: Mapping[str, Any], page: Mapping[str, Any]) -> Event:
    """An event of any shape, its texts as `text_of` has them, without its device and campaign.

    Its session id is left as it is, whatever it is.
    """
    kind = event.get("type")
    start = context.get("sessionStart")
    return Event(
        type=kind if type(kind) is str else "unknown",
        context=Context(
            page=Page(*(text_of(page.get(name)) for name in Page.__struct_fields__)),
            session_id=context.get("sessionId", UNSET),
            session_start=start if type(start) is bool else None,
        ),
        properties=event.get("properties"),
        traits=event.get("traits"),
        **{field: text_of(event.get(name)) for field, name in _TEXTS.items()},
    )
