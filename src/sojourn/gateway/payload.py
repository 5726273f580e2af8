"""Judges a body: is it JSON, are these events, does each of them have an id.

What is accepted, and so what stands in the raw stream:

* strict JSON: no NaN, comments, trailing commas, bare control characters, text behind the value;
* at most `Limits.depth` levels, and no number that overflows a double;
* bytes in strings that are not UTF-8, and escapes of lone surrogates, are let through as they
  are: JavaScript makes them by cutting a text in the middle of an emoji. Readers see U+FFFD;
* of duplicate keys **the last wins**, at every level: as in JavaScript, Python and DuckDB, so
  that all parts of Sojourn see the same event. (RudderStack's gateway takes the first.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.core.events import clean_id
from sojourn.gateway.refusals import empty_batch, invalid_event, invalid_json, nameless_event

BATCHES = frozenset(("batch", "import"))
"""The endpoints that take `{"batch": [event, …]}`; the others take one event."""

_decode = msgspec.json.Decoder().decode
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"{}[]")
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|.)",
    re.DOTALL,
)
_DIGIT = re.compile(rb"[0-9]")
_STRIDE = 154
"""Half of 309, the digits of the first integer above all doubles: so long a run of digits
covers a whole stretch of the body between two multiples of it."""
_ABOVE_DOUBLES = 2**1024
_ROUNDS = 16


@dataclass(slots=True)
class Payload:
    """The events of a request that may be accepted."""

    events: list[dict[str, Any]]
    person: str
    """The first event's anonymous id, else its user id."""


def judge(endpoint: str, body: bytes, depth: int) -> Payload:
    """The events in `body`. Raises `Refused`; the first failing event decides the text."""
    document = parse(body, depth)
    if endpoint in BATCHES:
        events = _members(document)
    elif isinstance(document, list):
        raise invalid_event()
    elif not isinstance(document, dict):
        raise nameless_event()
    else:
        events = [document]
    person = ""
    for event in events:
        if type(event) is not dict:
            raise invalid_event()
        name = event_id(event, "anonymousId") or event_id(event, "userId")
        if not name:
            raise nameless_event()
        person = person or name
    return Payload(events, person)


def event_id(event: dict[str, Any], key: str) -> str:
    """An id of an event, cleaned; empty if it counts as absent."""
    value = event.get(key)
    return "" if value is None or value == "" else clean_id(value)


def check_not_empty(endpoint: str, payload: Payload) -> None:
    """Raises `Refused` for a batch without events; an import may be empty."""
    if not payload.events and endpoint != "import":
        raise empty_batch()


def wire_size(endpoint: str, body: bytes, payload: Payload) -> int:
    """The size of a request as RudderStack counts it: with its type set and as a batch."""
    if endpoint in BATCHES:
        return len(body)
    sets_type = len(f',"type":"{endpoint}"') if "type" not in payload.events[0] else 0
    return len(body) + sets_type + len('{"batch":[]}')


def _members(document: Any) -> list[Any]:
    batch = document.get("batch") if isinstance(document, dict) else None
    if batch is None:
        return []
    return batch if isinstance(batch, list) else [batch]


def parse(body: bytes, depth: int) -> Any:
    """The value of `body` as Python objects. Raises `Refused` with `invalid json`."""
    try:
        document = _decode_mended(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid_json() from error
    if may_be_deep(body, depth) or may_have_long_integers(body):
        _check_tree(document, depth)
    return document


def _decode_mended(body: bytes) -> Any:
    try:
        return _decode(body)
    except msgspec.ValidationError:  # a number that overflows
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        mended = mend(body)
        if mended == body:
            raise
    return _decode(mended)


def mend(body: bytes) -> bytes:
    """`body` with U+FFFD for what is not UTF-8 and for escapes of lone surrogates."""
    if not body.isascii():
        body = body.decode("utf-8", "replace").encode()
    return _ESCAPES.sub(lambda match: rb"\ufffd" if match[1] else match[0], body)


def may_be_deep(body: bytes, most: int) -> bool:
    """Whether JSON text might have more than `most` levels; cheap, and nearly always false.

    Nearly always the number of brackets settles it. Else pairs are taken out from the inside:
    a round removes at least one level. Brackets in strings can only get in the way.
    """
    brackets = body.translate(None, _NO_BRACKET)
    for levels in range(min(_ROUNDS, most)):
        if len(brackets) <= 2 * (most - levels):
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return True


def may_have_long_integers(body: bytes) -> bool:
    """Whether there might be an integer of 309 digits or more, above all doubles.

    (Longer ones than Python reads, and floats that overflow, are found by the decoder.)
    """
    return any(
        body[(start := match.start() * _STRIDE) : start + _STRIDE].isdigit()
        for match in _DIGIT.finditer(body[::_STRIDE])
    )


def _check_tree(document: Any, depth: int) -> None:
    """Raises `Refused` for more than `depth` levels, or for an integer above all doubles."""
    level = [document]
    for _ in range(depth + 1):
        inner: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                inner.extend(value.values())
            elif kind is list:
                inner.extend(value)
            elif kind is int and not -_ABOVE_DOUBLES < value < _ABOVE_DOUBLES:
                raise invalid_json()
        if not inner:
            return
        level = inner
    raise invalid_json()
