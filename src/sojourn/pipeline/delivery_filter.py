"""Which events a destination gets, and what it may see of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from sojourn.pipeline.delivery_settings import DeliverySettings

MASKED = "***"


class Context(msgspec.Struct, rename="camel"):
    """The part of an event's context that decides about its delivery."""

    consent_management: Any = None


class Head(msgspec.Struct, rename="camel"):
    """The part of an event that decides about its delivery; the rest stays undecoded."""

    type: Any = None
    event: Any = None
    anonymous_id: Any = None
    user_id: Any = None
    context: Context | None = None
    integrations: Any = None


_decode = msgspec.json.Decoder(Head).decode
_decode_loosely = msgspec.json.Decoder(dict[str, Any]).decode


def decode_head(event: bytes) -> Head:
    """The head of one event. Raises `msgspec.DecodeError` for what is no JSON object."""
    try:
        return _decode(event)
    except msgspec.ValidationError:
        # A context that is no object tells nothing, but the event is still one.
        found = _decode_loosely(event)
        keys = ("type", "event", "anonymousId", "userId", "integrations")
        kind, name, anonymous_id, user_id, integrations = (found.get(key) for key in keys)
        return Head(kind, name, anonymous_id, user_id, None, integrations)


def person(source_id: str, head: Head) -> str:
    """Whose event it is: by the anonymous id, which identified people keep, else the user id."""
    identity = head.anonymous_id or head.user_id or ""
    return f"{source_id}\n{identity}"


class EventFilter:
    """Decides by the head of an event; `names` are what `integrations` may call the far end."""

    def __init__(self, settings: DeliverySettings, names: Sequence[str] = ()) -> None:
        self._settings = settings
        self._names = frozenset(name.lower() for name in names)
        self._sources = frozenset(settings.sources)
        self._allow = frozenset(settings.allow)
        self._deny = frozenset(settings.deny)
        self._consent = frozenset(settings.consent)

    def refuses(self, source_id: str, head: Head) -> str | None:
        """Why an event is not delivered, in one or two words; None if it is."""
        if self._sources and source_id not in self._sources:
            return "source"
        if self._names and isinstance(head.integrations, dict) and not self._meant(head):
            return "integrations"
        names = {name for name in (head.event, head.type) if isinstance(name, str)}
        if not names.isdisjoint(self._deny):
            return "deny list"
        if self._allow and names.isdisjoint(self._allow):
            return "allow list"
        if self._consent and not self._consent.isdisjoint(_denied(head)):
            return "consent"
        if self._settings.sample < 1 and not self._sampled(source_id, head):
            return "sampling"
        return None

    def _meant(self, head: Head) -> bool:
        """`integrations` names the far end, or all of them. An object means true."""
        everyone = True
        for name, value in head.integrations.items():
            lowered = name.lower()
            if lowered == "all":
                everyone = value is not False
            elif lowered in self._names:
                return value is not False
        return everyone

    def _sampled(self, source_id: str, head: Head) -> bool:
        identity = person(source_id, head).encode("utf-8", "replace")
        digest = hashlib.blake2b(identity, digest_size=8).digest()
        return int.from_bytes(digest) < self._settings.sample * 2**64

    def masked(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event with the values at the masked paths replaced, in place."""
        for path in self._settings.mask:
            *parents, key = path.split(".")
            target: Any = event
            for parent in parents:
                target = target.get(parent) if isinstance(target, dict) else None
            if isinstance(target, dict) and target.get(key) is not None:
                target[key] = MASKED
        return event


def _denied(head: Head) -> set[str]:
    consent = head.context.consent_management if head.context else None
    denied = consent.get("deniedConsentIds") if isinstance(consent, dict) else None
    return {one for one in denied if isinstance(one, str)} if isinstance(denied, list) else set()
