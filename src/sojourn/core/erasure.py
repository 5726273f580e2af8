"""Whose events an erasure is about, and how an erased value looks in the log.

An event belongs to a person if its `userId` is one of the person's user ids, if it is an alias
away from one of them (`previousId`), or if it names no user and its `anonymousId` is one of the
person's. User ids and anonymous ids are compared as the gateway reads them (`clean_id`).

A value of the log keeps its length when events are taken out of it: then the database overwrites
the old bytes where they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

INFERRED_VISITOR = "user:"
"""In front of the user id: the anonymous id of session events of who has none."""


@dataclass(frozen=True)
class People:
    """The people to erase. All ids are cleaned."""

    user_ids: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    """Ids of the sources that it is about; empty: all of them."""
    devices: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """(source id, anonymous id) whose events without a user are theirs."""

    def concern(self, source_id: str) -> bool:
        """Whether the source is meant."""
        return not self.sources or source_id in self.sources

    def own(
        self, source_id: str, user_id: str, anonymous_id: str = "", previous_id: str = ""
    ) -> bool:
        """Whether an event with these ids (cleaned, `""` for none) is theirs."""
        if not self.concern(source_id):
            return False
        if user_id in self.user_ids or previous_id in self.user_ids:
            return True
        if user_id:
            return False
        inferred = anonymous_id.startswith(INFERRED_VISITOR)
        if inferred and anonymous_id[len(INFERRED_VISITOR) :] in self.user_ids:
            return True
        return (source_id, anonymous_id) in self.devices


def fingerprint(user_id: str) -> str:
    """What is kept of a user id: its SHA-256, so that whoever knows the id can check."""
    return hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()


def padded(head: bytes, tail: bytes, length: int) -> bytes:
    """`head` and `tail` with spaces in between, up to `length` bytes."""
    return head + b" " * (length - len(head) - len(tail)) + tail


def is_erased(value: bytes) -> bool:
    """Whether nothing is left of a value."""
    return not value or value.isspace()


def scattered(text: str) -> str:
    """A LIKE pattern for all texts that may clean to `text`: its characters in order.

    It needs no escaping: what LIKE would take for more than a character stands for any.
    """
    return "%" + "%".join("_" if one in "%_\\" else one for one in text) + "%"
