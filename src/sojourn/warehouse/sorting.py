"""Events sorted by what they look like, so that those alike are decoded together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sojourn.warehouse.molds import Mold, Pattern
from sojourn.warehouse.transform.settings import ANY_WAREHOUSE

_KINDS_MAX = 2_000
_PATTERNS_MAX = 3
"""Patterns of one type and name of events: of a property that is a text here, a number there."""
_EXAMPLES = 400
"""Events of a portion that are learnt from, per type and name."""
Kind = tuple[str, str, str | None]
"""Source, type and name."""
Head = tuple[str, str | None]
"""Type and name."""
_BEGINNING = re.compile(rb'\{"type":"[a-z]+"(?:,"event":"(?:[^"\\]|\\.)*"|(?<!"track"))(?=[,}])')
"""Type and name as the processor writes them, in front; other events are read to their end."""


class _Head(msgspec.Struct, gc=False):
    type: str
    event: str | None = None


class Alike(NamedTuple):
    """Events that were decoded with one mold."""

    mold: Mold
    numbers: list[int]
    """Which of the given events."""
    events: list[Any]


decode: Any = msgspec.json.Decoder(dict[str, Any]).decode
_head = msgspec.json.Decoder(_Head).decode


class _Known:
    """What was learnt of one type and name of events."""

    def __init__(self) -> None:
        self.patterns: list[Pattern] = []
        self.pause = 0
        """Portions that are not learnt from, after learning turned out to be useless."""
        self.useless = 0


class Sorter:
    """Keeps what it learns from portion to portion."""

    def __init__(self, provider_type: str) -> None:
        """Events with options for a warehouse of `provider_type` are not like any others."""
        self._options = (provider_type, ANY_WAREHOUSE)
        self._kinds: dict[Kind, _Known] = {}

    def sort(
        self, source_id: str, lines: Sequence[bytes], few: int
    ) -> tuple[list[Alike], list[int]]:
        """Events decoded together, and the numbers of the rest; fewer than `few` are rest."""
        rest: list[int] = []
        found: list[Alike] = []
        for head, numbers in _by_head(lines, rest).items():
            left = numbers
            if len(numbers) >= few:
                known = self._known((source_id, *head))
                left = self._decoded(known, head, lines, numbers, few, found)
            rest += left
        return found, sorted(rest)

    def _known(self, kind: Kind) -> _Known:
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= _KINDS_MAX:
                self._kinds.clear()
            known = self._kinds[kind] = _Known()
        return known

    def _decoded(
        self,
        known: _Known,
        head: Head,
        lines: Sequence[bytes],
        numbers: list[int],
        few: int,
        found: list[Alike],
    ) -> list[int]:
        """Add events of one type and name to `found`; the numbers of those that are not there."""
        alone: list[int] = []
        for pattern in known.patterns:
            numbers = _decoded_with(pattern.mold, head, lines, numbers, few, found, alone)
        if len(numbers) < few:
            return alone + numbers
        if known.pause:
            known.pause -= 1
            return alone + numbers
        before = len(numbers)
        for pattern in self._learn(known, lines, numbers):
            numbers = _decoded_with(pattern.mold, head, lines, numbers, few, found, alone)
        known.useless = 0 if len(numbers) < before // 2 else known.useless + 1
        known.pause = min(64, 2**known.useless) if known.useless else 0
        return alone + numbers

    def _learn(
        self, known: _Known, lines: Sequence[bytes], numbers: Sequence[int]
    ) -> list[Pattern]:
        """Learn from some of the events; the patterns that follow them now."""
        changed: dict[int, Pattern] = {}
        for number in numbers[:: -(-len(numbers) // _EXAMPLES)]:
            event = _example(lines[number])
            if not self._peculiar(event):
                patterns = known.patterns
                fresh = [Pattern()] if len(patterns) < _PATTERNS_MAX else []
                for pattern in patterns + fresh:
                    if pattern.learn(event):
                        changed[id(pattern)] = pattern
                        break
                known.patterns = patterns + [p for p in fresh if id(p) in changed]
        return list(changed.values())

    def _peculiar(self, event: Mapping[str, Any]) -> bool:
        """Whether an event says by itself how it is stored, or is not as it should be."""
        context, integrations = event.get("context"), event.get("integrations")
        return not (context is None or type(context) is dict) or (
            type(integrations) is dict and any(name in integrations for name in self._options)
        )


def _example(line: bytes) -> dict[str, Any]:
    """The event; one without anything if it is odd, which is found out later, one by one."""
    try:
        event: dict[str, Any] = decode(line)
    except Exception:
        return {}
    return event


def _by_head(lines: Sequence[bytes], rest: list[int]) -> dict[Head, list[int]]:
    """The numbers of events by type and name; those without go into `rest`.

    What an event begins with may not be true (a key may come again): decoding tells.
    """
    groups: dict[Head, list[int]] = {}
    heads: dict[bytes, Head] = {}
    begins = _BEGINNING.match
    for number, line in enumerate(lines):
        beginning = begins(line)
        text = beginning[0] if beginning else b""
        key = heads.get(text)
        if key is None:
            try:
                found = _head(text + b"}" if text else line)
            except Exception:  # it is looked at later, one by one
                rest.append(number)
                continue
            key = (found.type, found.event)
            if text:
                heads[text] = key
        group = groups.get(key)
        if group is None:
            groups[key] = [number]
        else:
            group.append(number)
    return groups


def _decoded_with(
    mold: Mold,
    head: Head,
    lines: Sequence[bytes],
    numbers: list[int],
    few: int,
    found: list[Alike],
    alone: list[int],
) -> list[int]:
    """Decode events with a mold; the numbers of those that it refuses, or that are of another head.

    Too few go to `alone`, the others to `found`.
    """
    taken: list[int] = []
    events: list[Any] = []
    refused: list[int] = []
    decode_one, head_of = mold.decode, mold.head_of
    for number in numbers:
        try:
            event = decode_one(lines[number])
        except Exception:  # it is looked at later, one by one
            refused.append(number)
            continue
        if head_of(event) == head:
            events.append(event)
            taken.append(number)
        else:
            refused.append(number)
    if len(taken) < few:
        alone += taken
    elif taken:
        found.append(Alike(mold, taken, events))
    return refused
