"""Leaves out the events of users who must not be tracked."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sojourn.gateway.payload import BATCHES, Payload, event_id, mend

Suppressed = Callable[[str, str], bool]
"""Answers for a source id and a user id (cleaned) if that user is suppressed."""


class _Batch(msgspec.Struct):
    batch: msgspec.Raw


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_members = msgspec.json.Decoder(list[msgspec.Raw]).decode


def without_suppressed(
    suppressed: Suppressed, source_id: str, endpoint: str, body: bytes, payload: Payload
) -> tuple[Payload, bytes, int]:
    """The events that stay, the body that holds just them, and how many were left out.

    The test is by user id only; events that have just an anonymous id are never suppressed.
    """
    keep = [
        not ((user := event_id(event, "userId")) and suppressed(source_id, user))
        for event in payload.events
    ]
    left_out = keep.count(False)
    if not left_out:
        return payload, body, 0
    events = [event for event, kept in zip(payload.events, keep, strict=True) if kept]
    if events and endpoint in BATCHES:
        body = _rebuilt(body, keep)
    return Payload(events, payload.person), body, left_out


def _rebuilt(body: bytes, keep: list[bool]) -> bytes:
    """A batch of the members to keep, each as it was sent."""
    try:
        batch = _decode_batch(body).batch
    except msgspec.DecodeError:  # lone surrogates
        batch = _decode_batch(mend(body)).batch
    members = zip(_decode_members(batch), keep, strict=True)
    kept = b",".join(bytes(member) for member, stays in members if stays)
    return b'{"batch":[' + kept + b"]}"
