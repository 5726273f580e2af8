"""Events as the official SDKs write them: JavaScript 3.34.1, Android 1.28.0, iOS 1.31.1."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from sojourn.testing.visitors.people import Device, Person, uuid4
from sojourn.testing.visitors.shop import HOST, ORIGIN, Origin
from sojourn.testing.visitors.visit import Act

JSON = dict[str, Any]
WEB_APP: Final = {
    "name": "RudderLabs JavaScript SDK",
    "namespace": "com.rudderlabs.javascript",
    "version": "3.34.1",
    "installType": "npm",
}
WEB_LIBRARY: Final = {
    "name": "RudderLabs JavaScript SDK",
    "version": "3.34.1",
    "variant": "bundled",
}
APP_LIBRARIES: Final = {
    "android": {"name": "com.rudderstack.android.sdk.core", "version": "1.28.0"},
    "ios": {"name": "rudder-ios-library", "version": "1.31.1"},
}


class Sdk(Protocol):
    """Makes the events of one visit on one device."""

    def events(self, act: Act, at_ms: int) -> list[JSON]:
        """What the SDK sends for this act, without `sentAt`; milliseconds since the epoch."""
        ...

    def closing(self, at_ms: int) -> list[JSON]:
        """What it sends when the visit ends."""
        ...


def iso(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as every SDK writes times."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class WebSdk:
    """The JavaScript SDK on one page after another of the shop."""

    def __init__(self, rng: random.Random, person: Person, device: Device, origin: Origin) -> None:
        self._rng = rng
        self._person = person
        self._device = device
        self._traits: JSON = {}
        self._referrer = origin.referrer or "$direct"
        self._page: JSON = {}
        device.initial_referrer = device.initial_referrer or self._referrer

    def events(self, act: Act, at_ms: int) -> list[JSON]:
        """The events of one act."""
        if act.kind == "reset":
            self._device.user_id, self._traits = "", {}
            self._device.renew(at_ms)
            return []
        if act.kind == "view":
            self._open(act)
            properties = {"name": act.name, **self._page}
            body: JSON = {"properties": properties, "name": act.name, "category": ""}
            return [self._event("page", body, at_ms)]
        if act.kind == "identify":
            self._device.user_id, self._traits = act.name, act.properties
            return [self._event("identify", {}, at_ms)]
        if act.kind == "group":
            return [self._event("group", {"groupId": act.name, "traits": act.properties}, at_ms)]
        return [self._event("track", {"properties": act.properties, "event": act.name}, at_ms)]

    def closing(self, at_ms: int) -> list[JSON]:
        """Nothing: the page just goes away."""
        return []

    def _open(self, act: Act) -> None:
        if self._page:
            self._referrer = self._page["url"]
        url = f"{ORIGIN}{act.path}{act.query}"
        initial = self._device.initial_referrer
        self._page = {
            "path": act.path,
            "referrer": self._referrer,
            "referring_domain": _domain(self._referrer),
            "search": act.query,
            "title": f"{act.name} · Shop",
            "url": url,
            "tab_url": url,
            "initial_referrer": initial,
            "initial_referring_domain": _domain(initial),
        }

    def _event(self, kind: str, body: JSON, at_ms: int) -> JSON:
        device, equipment = self._device, self._device.equipment
        session_id, first = device.touch(at_ms)
        context: JSON = {"traits": self._traits, "sessionId": session_id}
        if first:
            context["sessionStart"] = True
        context |= {
            "app": WEB_APP,
            "library": WEB_LIBRARY,
            "userAgent": equipment.agent,
            "os": {"name": "", "version": ""},
            "locale": self._person.locale,
            "screen": {
                "width": equipment.width,
                "height": equipment.height,
                "density": equipment.density,
                "innerWidth": equipment.width,
                "innerHeight": equipment.height - 110,
            },
            "campaign": _campaign(self._page["search"]),
            "page": self._page,
            "timezone": self._person.timezone,
        }
        return body | {
            "type": kind,
            "channel": "web",
            "context": context,
            "originalTimestamp": iso(at_ms),
            "messageId": uuid4(self._rng),
            "userId": device.user_id,
            "anonymousId": device.anonymous_id,
            "integrations": {"All": True},
        }


class AppSdk:
    """The Android or the iOS SDK in the shop's app, with life cycle events on."""

    def __init__(self, rng: random.Random, person: Person, device: Device) -> None:
        self._rng = rng
        self._device = device
        self._opened = False
        self._traits: JSON = {"anonymousId": device.anonymous_id}
        self._fixed = _app_context(person, device)

    def events(self, act: Act, at_ms: int) -> list[JSON]:
        """The events of one act; the first act of a visit opens the app."""
        made = [] if self._opened else self._opening(at_ms)
        if act.kind == "reset":
            self._device.user_id = ""
            self._traits = {"anonymousId": self._device.anonymous_id}
            self._device.renew(at_ms)
        elif act.kind == "view":
            properties = {"name": act.name, "automatic": False}
            made.append(self._event("screen", act.name, at_ms, properties=properties))
        elif act.kind == "identify":
            self._device.user_id = act.name
            self._traits = {**self._traits, "id": act.name, "userId": act.name, **act.properties}
            made.append(self._event("identify", "identify", at_ms))
        elif act.kind == "group":
            made.append(self._event("group", "", at_ms, groupId=act.name, traits=act.properties))
        else:
            made.append(self._event("track", act.name, at_ms, properties=act.properties))
        return made

    def closing(self, at_ms: int) -> list[JSON]:
        """The app goes to the background."""
        return [self._event("track", "Application Backgrounded", at_ms)]

    def _opening(self, at_ms: int) -> list[JSON]:
        self._opened, known = True, self._device.installed
        self._device.installed = True
        made = []
        if not known:
            facts: JSON = {"build": 42, "version": "4.2.0"}
            made.append(self._event("track", "Application Installed", at_ms - 2, properties=facts))
        facts = {"from_background": False, "version": "4.2.0"}
        made.append(self._event("track", "Application Opened", at_ms - 1, properties=facts))
        return made

    def _event(self, kind: str, name: str, at_ms: int, **body: Any) -> JSON:
        session_id, first = self._device.touch(at_ms)
        context = {**self._fixed, "traits": self._traits, "sessionId": session_id}
        if first:
            context["sessionStart"] = True
        event: JSON = {
            "messageId": uuid4(self._rng),
            "channel": "mobile",
            "context": context,
            "type": kind,
            "originalTimestamp": iso(at_ms),
            "anonymousId": self._device.anonymous_id,
        }
        if self._device.user_id:
            event["userId"] = self._device.user_id
        if name:
            event["event"] = name
        return event | body | {"integrations": {"All": True}}


def _app_context(person: Person, device: Device) -> JSON:
    equipment = device.equipment
    return {
        "app": {
            "build": "42",
            "name": "Shop",
            "namespace": f"{HOST}.app",
            "version": "4.2.0",
        },
        "library": APP_LIBRARIES[equipment.platform],
        "os": {"name": equipment.os, "version": equipment.os_version},
        "screen": {
            "density": equipment.density,
            "width": equipment.width,
            "height": equipment.height,
        },
        "locale": person.locale,
        "device": {
            "id": device.anonymous_id.replace("-", "")[:16],
            "manufacturer": equipment.manufacturer,
            "model": equipment.model,
            "name": equipment.model,
            "type": equipment.os,
            "adTrackingEnabled": False,
        },
        "network": {"carrier": "NA", "wifi": True, "cellular": False},
        "timezone": "Europe/Berlin",
    }


def _domain(referrer: str) -> str:
    return urlsplit(referrer).hostname or ""


def _campaign(query: str) -> JSON:
    found = {
        name.removeprefix("utm_"): value
        for name, value in parse_qsl(query.removeprefix("?"))
        if name.startswith("utm_")
    }
    if "campaign" in found:
        found["name"] = found.pop("campaign")
    return found
