"""The device columns of an event: platform, system, browser, app, SDK, locale, traffic class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sojourn.core.source import MOBILE_PLATFORMS
from sojourn.insights.agents import agent

DEVICE_COLUMNS = (
    "platform",
    "device",
    "device_model",
    "os",
    "os_version",
    "browser",
    "browser_version",
    "app",
    "app_version",
    "library",
    "locale",
    "timezone",
    "country",
    "traffic_class",
)
_EMPTY: dict[str, Any] = {}
_LONGEST = 1024
Key = tuple[Any, ...]


def _getter(value: Any) -> Any:
    return value.get if type(value) is dict else _EMPTY.get


def raw_device(event: Mapping[str, Any], context: Mapping[str, Any]) -> Key:
    """What the device columns follow from, as the event has it, in a fixed order."""
    get = context.get
    library = _getter(get("library"))
    system = _getter(get("os"))
    device = _getter(get("device"))
    app = _getter(get("app"))
    return (
        get("userAgent"),
        library("name"),
        library("version"),
        system("name"),
        system("version"),
        device("type"),
        device("model"),
        app("name"),
        app("version"),
        get("locale"),
        get("timezone"),
        _country(get),
        event.get("channel"),
    )


def device_key(*raw: Any) -> Key:
    """The same as texts that are not too long; None for what is no text."""
    return tuple(value[:_LONGEST] if type(value) is str else None for value in raw)


def _country(get: Any) -> Any:
    for name in ("geo", "location"):
        found = get(name)
        if type(found) is dict and found.get("country"):
            return found["country"]
    return get("country")


@lru_cache(maxsize=65536)
def device_of(key: Key, platform: str) -> tuple[str | None, ...]:
    """The values of `DEVICE_COLUMNS`; `platform` is the source's, where the event tells none."""
    user_agent, library, version, os, os_version, kind, model, *rest, country, channel = key
    app, app_version, locale, timezone = rest
    known = agent((user_agent or "").encode("utf-8", "replace").decode())
    own = _platform(library or "", (os or "").lower(), channel or "") or platform
    mobile = own in MOBILE_PLATFORMS
    return (
        own,
        known.device or _device(kind, model, mobile),
        model or None,
        os or known.os,
        (os_version or "").partition(".")[0] or known.os_version,
        known.browser,
        known.browser_version,
        app if mobile else None,
        app_version if mobile else None,
        "/".join(part for part in (library, version) if part) or None,
        locale or None,
        timezone or None,
        country or None,
        known.traffic_class,
    )


def _platform(library: str, os: str, channel: str) -> str:
    name = library.lower()
    if "javascript" in name or channel == "web":
        return "web"
    if channel == "mobile" or "android" in name or "ios" in name or "kotlin" in name:
        if "android" in os or "android" in name:
            return "android"
        return "ios" if os in ("ios", "ipados", "tvos", "watchos") or "ios" in name else ""
    if channel in ("server", "sources") or "python" in name or "node" in name:
        return "server"
    return ""


def _device(kind: str | None, model: str | None, mobile: bool) -> str | None:
    text = f"{kind or ''} {model or ''}".lower()
    if "ipad" in text or "tablet" in text:
        return "tablet"
    return "mobile" if mobile else None
