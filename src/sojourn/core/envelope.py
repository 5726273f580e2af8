"""How requests and events lie in the log: one line of JSON about them, then the bytes.

* **raw**: `RequestMeta` line, then the request body exactly as it arrived (after inflating).
* **events**: `{"source_id", "received_at"}` line, then one line of JSON per event.
* **dead**: `{"source_id", "received_at", "reason", "stage"}` line, then the event as it was.

An erasure takes events out of stored values: of **raw** the body, where `null` stands for an
event in a batch; of **events** the line, which becomes empty; of **dead** the whole value, which
becomes blank (`sojourn.core.erasure`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sojourn.core.ports import Batch

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_quote = json.encoder.encode_basestring


class RequestMeta(NamedTuple):
    """What the gateway knows beside the body of one accepted request."""

    source_id: str
    received_at: int
    """Milliseconds since the Unix epoch."""
    request_ip: str
    endpoint: str
    """`batch`, or the type that the endpoint sets: `track`, `page`, …"""
    batch_id: str
    """Random; names of events that came without a `messageId` follow from it."""


def pack_request(meta: RequestMeta, body: bytes) -> bytes:
    """The raw stream's value for one accepted request."""
    # Written by hand: once per request, and a general encoder takes five times as long.
    head = (
        f'{{"source_id":{_quote(meta.source_id)},"received_at":{meta.received_at:d}'
        f',"request_ip":{_quote(meta.request_ip)},"endpoint":{_quote(meta.endpoint)}'
        f',"batch_id":{_quote(meta.batch_id)}}}\n'
    )
    return head.encode() + body


def unpack_request(value: bytes) -> tuple[RequestMeta, bytes]:
    """The inverse of `pack_request`."""
    head, _, body = value.partition(b"\n")
    return RequestMeta(**json.loads(head)), body


def pack_events(batch: Batch) -> bytes:
    """The events stream's value for some events of one source. Events hold no line feed."""
    head = _dumps({"source_id": batch.source_id, "received_at": batch.received_at}).encode()
    return b"\n".join((head, *batch.events))


def unpack_events(value: bytes) -> Batch:
    """The inverse of `pack_events`, without the events that were erased."""
    batch = unpack_places(value)
    return Batch(batch.source_id, batch.received_at, [line for line in batch.events if line])


def unpack_places(value: bytes) -> Batch:
    """As `unpack_events`, an empty line for an erased event: the others keep their number."""
    head, *events = value.split(b"\n")
    return Batch(events=events, **json.loads(head))


@dataclass(frozen=True)
class DeadLetter:
    """An event that could not be processed or delivered, with the reason."""

    source_id: str
    received_at: int
    stage: str
    """`processor`, `warehouse`, or the name of a destination."""
    reason: str
    event: bytes


def pack_dead(letter: DeadLetter) -> bytes:
    """The dead stream's value."""
    head: dict[str, Any] = asdict(letter)
    event: bytes = head.pop("event")
    return _dumps(head).encode("utf-8", "replace") + b"\n" + event


def unpack_dead(value: bytes) -> DeadLetter:
    """The inverse of `pack_dead`."""
    head, _, event = value.partition(b"\n")
    return DeadLetter(event=event, **json.loads(head))
