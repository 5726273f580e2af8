"""Which field of an Amplitude event comes from where, as data (HTTP API v2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.destinations.mapping import Row, compiled
from sojourn.destinations.user_agent import parsed
from sojourn.destinations.values import child

COMPUTED: tuple[Row, ...] = (
    ("os_name", "context.os.name"),
    ("os_version", "context.os.version"),
    ("device_model", "context.device.model"),
    ("device_manufacturer", "context.device.manufacturer"),
    ("platform", "context.device.type"),
)
"""Taken from the context, except in browsers; a trait of the target's name overrides them, and
is no user property then. So do `device_brand` and `event_id`."""

PLAIN: tuple[Row, ...] = (
    ("device_id", "anonymousId"),
    ("carrier", "context.network.carrier"),
    ("app_name", "context.app.name"),
    ("app_version", "context.app.version"),
    ("language", "context.locale"),
)
"""Always taken as they are; a trait of the target's name overrides them."""

PLACE: tuple[Row, ...] = (
    ("region", "context.location.region"),
    ("location_lat", "context.location.latitude"),
    ("location_lng", "context.location.longitude"),
    ("dma", "context.location.dma"),
    (
        "country",
        "context.location.country",
        "traits.address.country",
        "context.traits.address.country",
    ),
    (
        "city",
        "context.location.city",
        "traits.address.city",
        "context.traits.address.city",
    ),
)
"""Where the person is; a trait of the target's name overrides them."""

OWN_FIELD = frozenset({"device_brand", "event_id", *(target for target, *_ in COMPUTED)})
"""Traits that override a field instead of being user properties."""

OWN_FIELD_OF_SCREENS = frozenset({"device_brand", "event_id"})
"""The same for screens, whose other fields are not computed: those traits are both."""

REVENUE = {
    "productId": "product_id",
    "price": "price",
    "quantity": "quantity",
    "revenue": "revenue",
    "revenueType": "revenue_type",
}
"""Root fields of an event that brings revenue and revenue type, by property."""

APPLE = frozenset({"ios", "watchos", "ipados", "tvos"})


def device(event: Mapping[str, Any], brand_mapped: bool, out: dict[str, Any]) -> None:
    """Write the fields of device, app and place into `out`; traits may override them."""
    _map_fields(event, out)
    _map_place(event, out)
    context = event.get("context")
    if context.__class__ is not dict:
        context = {}
    channel = event.get("channel")
    in_browser = channel.__class__ is str and channel.lower() == "web"
    # Screens come from apps: a browser's user agent says nothing about them.
    if in_browser and str(event.get("type")).lower() != "screen":
        out["platform"] = "Web"
        _browser(context.get("userAgent"), out)
    if brand_mapped:
        out["device_brand"] = child(context.get("device"), "brand")


def _browser(user_agent: Any, out: dict[str, Any]) -> None:
    """Put what the user agent tells over what the context does."""
    if user_agent.__class__ is not str or not user_agent:
        return
    agent = parsed(user_agent)
    if agent.amplitude_browser is not None:
        out["os_name"] = agent.amplitude_browser
        out["os_version"] = agent.version
    if agent.system is not None:
        out["device_model"] = agent.system
    if agent.vendor is not None:
        out["device_manufacturer"] = agent.vendor


def mobile(event: Mapping[str, Any], brand_mapped: bool, out: dict[str, Any]) -> None:
    """Write what only apps have into `out`; no trait overrides it."""
    machine = child(event.get("context"), "device")
    if event.get("channel") != "mobile" or machine.__class__ is not dict:
        return
    if not brand_mapped:
        out["device_brand"] = machine.get("manufacturer")
    family = machine.get("type")
    if not isinstance(family, str):
        return
    advertising = machine.get("advertisingId")
    if family.lower() in APPLE:
        out["idfa"] = advertising
        out["idfv"] = machine.get("id")
    elif family.lower() == "android":
        out["adid"] = advertising


_map_fields = compiled((*COMPUTED, *PLAIN), empty=True)
_map_place = compiled(PLACE)
