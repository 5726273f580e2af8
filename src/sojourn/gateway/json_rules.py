"""What counts as JSON here.

What is accepted, and so what stands in the raw stream:

* strict JSON: no NaN, comments, trailing commas, bare control characters, text behind the value;
* at most `Limits.depth` levels, and no number that overflows a double;
* bytes in strings that are not UTF-8, and escapes of lone surrogates, are let through as they
  are: JavaScript makes them by cutting a text in the middle of an emoji. Readers see U+FFFD;
* of duplicate keys **the last wins**, at every level: as in JavaScript, Python and DuckDB, so
  that all parts of Sojourn see the same event. (RudderStack's gateway takes the first.)
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from sojourn.gateway.refusals import invalid_json

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it does not take."""

_decode = msgspec.json.Decoder().decode
_ABOVE_DOUBLES = 2**1024
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|.)",
    re.DOTALL,
)

_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"{}[]")
# What numbers are made of, each kind as one character: looking for one costs a fraction of looking
# for any of ten. Digits become 0, exponents e, and what may follow a number a comma.
_KINDS = bytes.maketrans(b"123456789E]} \t\r\n", b"000000000e,,,,,,")
_big_exponent = re.compile(rb"0e\+?0{3,}(?:,|\Z)").search
_LONG = b"0" * 209
"""The digits with which a number may overflow at an exponent below 100."""


def parse(body: bytes, depth: int) -> Any:
    """The value of `body` as Python objects. Raises `Refused` with `invalid json`."""
    try:
        with _collector_paused():
            document = _decode_mended(body)
            if is_suspicious(body, depth):
                _check_tree(document, depth)
    except UNREADABLE as error:
        raise invalid_json() from error
    return document


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Millions of small lists, made at one go, would set off the garbage collector in vain."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def mend(body: bytes) -> bytes:
    """`body` with U+FFFD for what is not UTF-8 and for escapes of lone surrogates."""
    if not body.isascii():
        body = body.decode("utf-8", "replace").encode()
    return _ESCAPES.sub(lambda match: rb"\ufffd" if match[1] else match[0], body)


def is_suspicious(body: bytes, depth: int) -> bool:
    """Whether JSON text might be nested too deeply or hold a number that overflows.

    Made of the few operations that Python does at a nanosecond a byte or less: it is asked
    for every request. When in doubt it says yes.
    """
    if _may_be_deep(body, depth):
        return True
    kinds = body.translate(_KINDS)
    return _LONG in kinds or _big_exponent(kinds) is not None


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


def _may_be_deep(body: bytes, most: int) -> bool:
    """Nearly always the number of brackets settles it.

    Else pairs are taken out from the inside: a round removes one or two levels. Brackets in
    strings can only get in the way. Where rounds do not help there is something odd.
    """
    brackets = body.translate(None, _NO_BRACKET)
    for gone in range(0, most, 2):
        before = len(brackets)
        if before <= 2 * (most - gone):
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(brackets) > 0.9 * before:
            break
    return True


def _check_tree(document: Any, depth: int) -> None:
    """Raises `Refused` for more than `depth` levels, or for an integer above all doubles.

    (Floats that overflow are found by the decoder.)
    """
    level = [document]
    for levels in range(depth + 1):
        inner: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict or kind is list:
                if levels == depth:
                    raise invalid_json()
                inner.extend(value.values() if kind is dict else value)
            elif kind is int and not -_ABOVE_DOUBLES < value < _ABOVE_DOUBLES:
                raise invalid_json()
        level = inner
