"""Which field of an Amplitude event comes from where, as data (HTTP API v2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.destinations.user_agent import parsed
from sojourn.destinations.values import child

PLAIN = {
    "device_id": "anonymousId",
    "carrier": "context.network.carrier",
    "app_name": "context.app.name",
    "app_version": "context.app.version",
    "language": "context.locale",
}
"""Taken as they are; a trait of the target's name overrides them."""

DEVICE = {
    "os_name": "context.os.name",
    "os_version": "context.os.version",
    "device_model": "context.device.model",
    "device_manufacturer": "context.device.manufacturer",
    "platform": "context.device.type",
    "device_brand": "context.device.brand",
    "event_id": "integrations.Amplitude.event_id",
}
"""Computed; a trait of the target's name overrides them and is no user property then."""

PLACE: dict[str, tuple[str, ...]] = {
    "region": ("context.location.region",),
    "location_lat": ("context.location.latitude",),
    "location_lng": ("context.location.longitude",),
    "dma": ("context.location.dma",),
    "country": (
        "context.location.country",
        "traits.address.country",
        "context.traits.address.country",
    ),
    "city": ("context.location.city", "traits.address.city", "context.traits.address.city"),
}
"""The first source that is neither null nor empty; a trait of the target's name comes first."""

REVENUE = {
    "productId": "product_id",
    "price": "price",
    "quantity": "quantity",
    "revenue": "revenue",
    "revenueType": "revenue_type",
}
"""Root fields of an event that brings revenue and revenue type, by property."""

APPLE = frozenset({"ios", "watchos", "ipados", "tvos"})

_NONE: Mapping[str, Any] = {}


def device(event: Mapping[str, Any], brand_mapped: bool, out: dict[str, Any]) -> None:
    """Write the fields of device and app into `out`."""
    context = event.get("context")
    if context.__class__ is not dict:
        context = _NONE
    system = context.get("os") or _NONE
    machine = context.get("device") or _NONE
    channel = event.get("channel")
    out["os_name"] = child(system, "name")
    out["os_version"] = child(system, "version")
    out["device_model"] = child(machine, "model")
    out["device_manufacturer"] = child(machine, "manufacturer")
    out["platform"] = child(machine, "type")
    out["device_id"] = event.get("anonymousId")
    out["carrier"] = child(context.get("network"), "carrier")
    app = context.get("app") or _NONE
    out["app_name"] = child(app, "name")
    out["app_version"] = child(app, "version")
    out["language"] = context.get("locale")
    if brand_mapped:
        out["device_brand"] = child(machine, "brand")
    if channel.__class__ is str and channel.lower() == "web":
        # Screens come from apps: a browser's user agent says nothing about them.
        if str(event.get("type")).lower() != "screen":
            _web(context, out)
    elif channel == "mobile" and machine:
        _mobile(machine, brand_mapped, out)


def _web(context: Mapping[str, Any], out: dict[str, Any]) -> None:
    out["platform"] = "Web"
    user_agent = context.get("userAgent")
    if user_agent.__class__ is str and user_agent:
        agent = parsed(user_agent)
        out["os_name"] = agent.amplitude_browser or out["os_name"]
        out["os_version"] = agent.version or out["os_version"]
        out["device_model"] = agent.system or out["device_model"]
        out["device_manufacturer"] = agent.vendor or out["device_manufacturer"]


def _mobile(machine: Mapping[str, Any], brand_mapped: bool, out: dict[str, Any]) -> None:
    if not brand_mapped:
        out["device_brand"] = child(machine, "manufacturer")
    family = child(machine, "type")
    if not isinstance(family, str):
        return
    advertising = child(machine, "advertisingId")
    if family.lower() in APPLE:
        out["idfa"] = advertising
        out["idfv"] = child(machine, "id")
    elif family.lower() == "android":
        out["adid"] = advertising


def place(event: Mapping[str, Any], out: dict[str, Any]) -> None:
    """Write where the person is into `out`, where a trait has not done so."""
    context = event.get("context")
    context = context if isinstance(context, dict) else _NONE
    location = context.get("location")
    if location:
        for target, key in (
            ("region", "region"),
            ("location_lat", "latitude"),
            ("location_lng", "longitude"),
            ("dma", "dma"),
        ):
            _fill(out, target, child(location, key))
    addresses = (
        location,
        child(event.get("traits"), "address"),
        child(context.get("traits"), "address"),
    )
    for address in addresses:
        if address:
            _fill(out, "country", child(address, "country"))
            _fill(out, "city", child(address, "city"))


def _fill(out: dict[str, Any], target: str, value: Any) -> None:
    if value is not None and value != "" and out.get(target) is None:
        out[target] = value
