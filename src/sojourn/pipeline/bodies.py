"""From the body of an accepted request to its events, each as top-level fields of raw JSON.

The values stay as they were sent, byte for byte (digits of integers, notation of floats), but
for what no reader could take: invalid UTF-8 and lone surrogates become U+FFFD, and line feeds
between tokens become spaces, since an event is one line. Of duplicate keys the last wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

Fields = dict[str, Any]
"""The top-level fields of an event: `msgspec.Raw`, or what was set in their place."""


class _Batch(msgspec.Struct):
    batch: list[dict[str, msgspec.Raw]]


class _OddBatch(msgspec.Struct):
    batch: msgspec.Raw


ERASED = b"null"
"""Stands in a stored batch for an event that was erased; the gateway takes no such member."""

_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_odd_batch = msgspec.json.Decoder(_OddBatch).decode
_decode_event = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: keep
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one: replace
    rb"|.)",
    re.DOTALL,
)


def events_of(endpoint: str, body: bytes) -> Iterator[Fields | tuple[bytes, str]]:
    """The events of a body, in order; `(bytes, reason)` for what is no event.

    An event that was erased is `(b"", "")`: those after it keep their number. `endpoint` is that
    of the request's envelope: `batch`, or the type of its one event.
    """
    body = readable(body)
    try:
        if endpoint != "batch":
            yield _decode_event(body)
        else:
            yield from _decode_batch(body).batch
    except _UNREADABLE:
        yield from _odd_events(endpoint, body)


def members_of(endpoint: str, body: bytes) -> list[bytes] | None:
    """The events of a readable body as they are written; None if it has none to be taken apart."""
    if endpoint != "batch":
        return [body]
    try:
        batch = _decode_odd_batch(body).batch
        if bytes(batch).lstrip()[:1] != b"[":
            return [bytes(batch)]
        return [bytes(member) for member in _decode_list(batch)]
    except _UNREADABLE:
        return None


def readable(body: bytes) -> bytes:
    """The same JSON, readable by every JSON reader, without line feeds."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            body = body.decode(errors="replace").encode()
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPES.sub(lambda m: rb"\ufffd" if m[1] else m[0], body)
    return body.replace(b"\n", b" ") if b"\n" in body else body


def _odd_events(endpoint: str, body: bytes) -> Iterator[Fields | tuple[bytes, str]]:
    """As `events_of`, for a body that is not just what it should be: member by member."""
    if endpoint != "batch":
        yield body, "the event is not a JSON object"
        return
    try:
        batch = _decode_odd_batch(body).batch
        members = _decode_list(batch) if bytes(batch).lstrip()[:1] == b"[" else [batch]
    except _UNREADABLE:
        yield body, "the request has no batch of events"
        return
    for member in members:
        if bytes(member).strip() == ERASED:
            yield b"", ""
            continue
        try:
            yield _decode_event(member)
        except _UNREADABLE:
            yield bytes(member), "the event is not a JSON object"
