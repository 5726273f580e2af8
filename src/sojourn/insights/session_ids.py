"""Session ids as they come, and the number that they stand for.

The web sends epoch milliseconds, mobile platforms epoch seconds, callers anything from ten
characters up. Faulty SDKs and bridges send null, -1, 0 and texts like `undefined`.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

SHORTEST = 10
"""Characters: the official SDKs refuse shorter ids."""
_SECONDS = (10**9, 10**11)
_LARGEST = 10**18
_NOTHING = frozenset(("undefined", "null", "none", "nan", "[object object]", "infinity"))


class SessionRef(NamedTuple):
    """A session id: the text as sent, the number it stands for, and why it stands for none.

    `number` is epoch milliseconds, or a negative hash (below -2^61) for what is no such number.
    """

    sent: str | None
    number: int | None
    fault: str | None


ABSENT = SessionRef(None, None, None)


def session_ref(value: Any) -> SessionRef:
    """What the value of `context.sessionId` stands for; call it only if the field is there.

    Whole numbers, as such or as text, from ten digits up: those of 10 or 11 digits are seconds
    and become milliseconds, others stay. Other text from ten characters up is hashed.
    """
    kind = type(value)
    if kind is int:
        return _number(value, str(value))
    if value is None:
        return SessionRef("null", None, "null")
    if kind is float:
        text = repr(value)[:256]
        if value != value or value in (float("inf"), float("-inf")) or value % 1:
            return SessionRef(text, None, "garbage")
        return _number(int(value), text)
    if kind is str:
        return _text(value)
    return SessionRef(str(value)[:256], None, "type")


_remembered = lru_cache(65536, typed=True)(session_ref)


def known_ref(value: Any) -> SessionRef:
    """`session_ref`, remembered: ids repeat."""
    try:
        return _remembered(value)
    except TypeError:  # a list or an object
        return session_ref(value)


def _number(number: int, sent: str) -> SessionRef:
    if number < 0:
        return SessionRef(sent[:256], None, "negative")
    if number == 0:
        return SessionRef(sent, None, "zero")
    if number < _SECONDS[0]:
        return SessionRef(sent, None, "short")
    if number < _SECONDS[1]:
        number *= 1000
    if number >= _LARGEST:
        return SessionRef(sent[:256], _hash(str(number)), None)
    return SessionRef(sent[:256], number, None)


def _hash(text: str) -> int:
    digest = hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return -(1 << 61) - (int.from_bytes(digest[:8], "big") >> 3)


def _text(value: str) -> SessionRef:
    text = value.strip()
    sent = value[:256]
    if not text or text.lower() in _NOTHING:
        return SessionRef(sent, None, "null" if text.lower() in ("null", "") else "garbage")
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit():
        return _number(int(text[:32]), sent)
    if len(text) < SHORTEST:
        return SessionRef(sent, None, "short")
    return SessionRef(sent, _hash(text), None)
