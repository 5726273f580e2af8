"""Judges a body: are these events, and does each of them have an id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.core.events import clean_id
from sojourn.gateway.json_rules import UNREADABLE, is_suspicious, parse
from sojourn.gateway.refusals import invalid_event, nameless_event

BATCHES = frozenset(("batch", "import"))
"""The endpoints that take `{"batch": [event, …]}`; the others take one event."""


class _Event(msgspec.Struct, gc=False):
    """An event whose ids are what they should be; the rest is checked and skipped."""

    anonymousId: str | None = None
    userId: str | None = None


class _Batch(msgspec.Struct):
    batch: list[_Event]


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_batch = msgspec.json.Decoder(_Batch).decode


@dataclass(slots=True)
class Payload:
    """What the gateway has to know about the events of a request."""

    ids: Sequence[tuple[Any, Any]]
    """Anonymous and user id of each event, as they were sent."""
    person: str
    """The first event's cleaned anonymous id, else its user id."""


def judge(endpoint: str, body: bytes, depth: int) -> Payload:
    """The events in `body`. Raises `Refused`; the first failing event decides the text.

    Nearly every request is plain and takes the short way, which accepts nothing that the
    long one would not; the long one has the last word on everything else.
    """
    if not is_suspicious(body, depth):
        try:
            events = _decode_batch(body).batch if endpoint in BATCHES else [_decode_event(body)]
        except UNREADABLE:
            return _judge_odd(endpoint, body, depth)
        payload = _payload([(event.anonymousId, event.userId) for event in events])
        if payload is not None:
            return payload
    return _judge_odd(endpoint, body, depth)


def wire_size(endpoint: str, body: bytes, depth: int) -> int:
    """The size of a request as RudderStack counts it: with its type set and as a batch."""
    if endpoint in BATCHES:
        return len(body)
    sets_type = "type" not in parse(body, depth)
    return len(body) + len('{"batch":[]}') + sets_type * len(f',"type":"{endpoint}"')


def _payload(ids: list[tuple[Any, Any]]) -> Payload | None:
    """The payload of events with these anonymous and user ids; None if one has neither."""
    for anonymous_id, user_id in ids:
        if not (_is_present(anonymous_id) or _is_present(user_id)):
            return None
    person = (clean_id(ids[0][0]) or clean_id(ids[0][1])) if ids else ""
    return Payload(ids, person)


def _is_present(value: Any) -> bool:
    """Whether anything is left of an id once it is cleaned."""
    if type(value) is str and value and "!" <= value[0] <= "~":
        return True
    return bool(clean_id(value))


def _judge_odd(endpoint: str, body: bytes, depth: int) -> Payload:
    """As `judge`, for any body whatever."""
    document = parse(body, depth)
    if endpoint in BATCHES:
        events = _members(document)
    elif isinstance(document, list):
        raise invalid_event()
    elif not isinstance(document, dict):
        raise nameless_event()
    else:
        events = [document]
    ids = []
    for event in events:
        if type(event) is not dict:
            raise invalid_event()
        ids.append((event.get("anonymousId"), event.get("userId")))
        if _payload(ids[-1:]) is None:
            raise nameless_event()
    payload = _payload(ids)
    assert payload is not None
    return payload


def _members(document: Any) -> list[Any]:
    batch = document.get("batch") if isinstance(document, dict) else None
    if batch is None:
        return []
    return batch if isinstance(batch, list) else [batch]
