"""Leaves out the events of users who must not be tracked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from sojourn.gateway.json_rules import mend

Suppressed = Callable[[str, str], bool]
"""Answers for a source id and a user id (cleaned) if that user is suppressed.

The test is by user id only; events that have just an anonymous id are never suppressed.
"""


class _Batch(msgspec.Struct):
    batch: msgspec.Raw


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_members = msgspec.json.Decoder(list[msgspec.Raw]).decode


def batch_without(body: bytes, keep: Sequence[bool]) -> bytes:
    """A batch of the members of `body` to keep, each as it was sent."""
    try:
        batch = _decode_batch(body).batch
    except msgspec.DecodeError:  # lone surrogates
        batch = _decode_batch(mend(body)).batch
    members = zip(_decode_members(batch), keep, strict=True)
    kept = b",".join(bytes(member) for member, stays in members if stays)
    return b'{"batch":[' + kept + b"]}"
