"""What the processor sets in an event: type, ids, times, address, place.

Source of the rules: rudder-server's gateway and processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from sojourn.core.envelope import RequestMeta
from sojourn.core.errors import InvalidEvent
from sojourn.core.events import (
    CALL_TYPES,
    clean_id,
    derived_message_id,
    person_key,
    rudder_id,
)
from sojourn.pipeline.bodies import Fields
from sojourn.pipeline.geography import Geography
from sojourn.pipeline.times import from_ms, parse_canonical, parse_time, time_text

_decode_text = msgspec.json.Decoder(str).decode
_decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
_TYPES = frozenset(CALL_TYPES)
_rudder_id = lru_cache(4096)(rudder_id)  # people come with several events at a time


@dataclass(slots=True)
class Enriched:
    """One event, ready for the `events` stream."""

    line: bytes
    """Its JSON, one line."""
    message_id: str
    person: str
    """The partition key: source and person."""
    user_id: str


@dataclass(slots=True)
class Receipt:
    """What the events of one request have in common."""

    meta: RequestMeta
    at: datetime
    text: str

    @classmethod
    def of(cls, meta: RequestMeta) -> Receipt:
        """The receipt that the gateway's envelope stands for."""
        at = from_ms(meta.received_at)
        return cls(meta, at, time_text(at))


def enrich(
    event: Fields, index: int, receipt: Receipt, geography: Geography | None = None
) -> Enriched:
    """The event with the processor's fields; it is event number `index` of its request.

    With a `geography`, `context.geo` as well.

    Raises `InvalidEvent` for an event of no known type.
    """
    meta = receipt.meta
    event = _begun(event, _type_of(event, meta.endpoint))
    message_id = clean_id(_text(event.get("messageId"))) or derived_message_id(meta.batch_id, index)
    anonymous_id, user_id = id_of(event.get("anonymousId")), id_of(event.get("userId"))
    event["messageId"] = message_id
    event["rudderId"] = _rudder_id(user_id, anonymous_id)
    event["receivedAt"] = receipt.text
    event["request_ip"] = request_ip = _text(event.get("request_ip")) or meta.request_ip
    if geography is not None:
        geography.place(event, request_ip)
    _set_times(event, receipt)
    person = person_key(meta.source_id, anonymous_id, user_id)
    return Enriched(encode(event), message_id, person, user_id)


def _begun(event: Fields, kind: str) -> Fields:
    """The event with type and name in front, where readers find them without reading it all."""
    begun: Fields = {"type": kind}
    if "event" in event:
        begun["event"] = event["event"]
    begun.update(event)
    begun["type"] = kind
    return begun


def _type_of(event: Fields, endpoint: str) -> str:
    if endpoint in _TYPES:
        return endpoint
    if endpoint != "batch":
        raise InvalidEvent(f"type: {endpoint!r} is not supported; use one of {_known()}")
    if "type" not in event:
        raise InvalidEvent(f"type: missing; send one of {_known()}")
    text = _text(event["type"])
    name = text.strip().lower() if text is not None else None
    if name not in _TYPES:
        shown = text[:100] if text is not None else bytes(event["type"])[:100].decode()
        raise InvalidEvent(f"type: {shown!r} is not supported; use one of {_known()}")
    return str(name)


def _known() -> str:
    return ", ".join(CALL_TYPES)


def _set_times(event: Fields, receipt: Receipt) -> None:
    """The four times (the fourth is receivedAt): lenient in, RFC 3339 with milliseconds out.

    A sender's own `timestamp` is taken as it is; otherwise the time of the call is corrected
    by the sender's clock error, receivedAt - (sentAt - originalTimestamp). There is no clamp:
    a nonsense clock gives a nonsense time, unless a calendar cannot write it.
    """
    original = _set_time(event, "originalTimestamp", receipt.at, receipt.text)
    sent = _set_time(event, "sentAt", receipt.at, receipt.text)
    try:
        corrected = receipt.at - (sent - original)
    except OverflowError:
        corrected = receipt.at
    _set_time(event, "timestamp", corrected, None)


def _set_time(event: Fields, name: str, default: datetime, default_text: str | None) -> datetime:
    raw = event.get(name)
    if raw is not None and (text := _text(raw)):
        moment = parse_canonical(text)
        if moment is not None:
            return moment  # it is written as it should be
        moment = parse_time(text)
        if moment is not None:
            event[name] = time_text(moment)
            return moment
    event[name] = default_text or time_text(default)
    return default


def _text(raw: msgspec.Raw | None) -> str | None:
    """A field's value if it is a text, else None."""
    if raw is None:
        return None
    try:
        return _decode_text(raw)
    except msgspec.MsgspecError:
        return None


def id_of(raw: msgspec.Raw | None) -> str:
    """An id, cleaned; what is not a text counts as its JSON text."""
    if raw is None:
        return ""
    try:
        return clean_id(_decode_text(raw))
    except msgspec.MsgspecError:
        value: Any
        try:
            value = _decode_any(raw)
        except (msgspec.MsgspecError, RecursionError):
            value = str(raw, "utf-8")
        return clean_id(value)
