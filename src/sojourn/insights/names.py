"""What the name of an event says: a click, an error, a crash, a conversion."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

CONVERSIONS = (
    "order completed",
    "checkout completed",
    "purchase",
    "purchased",
    "signed up",
    "sign up",
    "account created",
    "subscription started",
    "trial started",
    "lead generated",
)
"""The conversions where none are configured, as `plain` writes names."""

_CLICK = re.compile(r"\b(click|clicked|clicks|tap|tapped|press|pressed)\b")
_ERROR = re.compile(r"\b(error|errors|exception|crash|crashed|failed|failure)\b")
_FATAL = re.compile(r"\b(crash|crashed|fatal)\b")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-.:/\s]+")


class Meaning(NamedTuple):
    """What an event is, by its name."""

    is_click: bool
    is_error: bool
    is_fatal: bool


@lru_cache(maxsize=65536)
def plain(name: str) -> str:
    """A name in lower case with single spaces: `OrderCompleted`, `order_completed` are one."""
    return " ".join(_WORDS.sub(" ", name[:256]).lower().split())


@lru_cache(maxsize=65536)
def meaning(name: str) -> Meaning:
    """What an event of this name is."""
    text = plain(name)
    return Meaning(
        is_click=_CLICK.search(text) is not None,
        is_error=_ERROR.search(text) is not None,
        is_fatal=_FATAL.search(text) is not None,
    )
