"""Events of one kind decoded straight into columns: no dictionary is made of any of them.

A pattern learns from examples which keys events of one type and name have, at every depth, and
what is under them: text, numbers, flags, lists, objects. A mold is a decoder made of a pattern.
It takes events that have all or some of these keys, and refuses the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import astuple

LEAVES_MAX = 400
"""Keys of a pattern, about."""
_DEPTH_MAX = 20
TEXT, NUMBER, FLAG, LIST = "text", "number", "flag", "list"
_KINDS: Mapping[type, str] = {str: TEXT, int: NUMBER, float: NUMBER, bool: FLAG, list: LIST}
_TYPES: Mapping[str, Any] = {
    "": None,
    TEXT: str | None,
    NUMBER: int | float | None,
    FLAG: bool | None,
    LIST: list[Any] | None,
}
_SPREAD_KEYS = frozenset(("0", "1"))
"""Objects that have these may be a text spread over indices: they follow no pattern."""
Path = tuple[str, ...]
"""Where a value is: the keys that lead to it."""


class Place:
    """What was learnt of the objects at one place."""

    __slots__ = ("children", "kinds", "nullable", "samples")

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        """Key to kind, in the order of appearance; empty where only nulls or objects were."""
        self.samples: dict[str, Any] = {}
        """A value of each leaf."""
        self.children: dict[str, Place] = {}
        self.nullable = False
        """There may be a null in the place of the object."""

    def admits(self, source: Mapping[str, Any], depth: int = 0) -> bool:
        """Whether an object can be one of these: nothing is of another kind."""
        if depth > _DEPTH_MAX or not _SPREAD_KEYS.isdisjoint(source):
            return False
        for key, value in source.items():
            if key not in self.kinds and not _plain(key):
                return False
            if value is None:
                continue
            known, child = self.kinds.get(key), self.children.get(key)
            if type(value) is dict:
                if known or not (child or Place()).admits(value, depth + 1):
                    return False
            elif child is not None or known not in (None, "", _KINDS[type(value)]):
                return False
        return True

    def take(self, source: Mapping[str, Any]) -> int:
        """Learn from an object that is admitted; how many keys are new."""
        new = 0
        for key, value in source.items():
            child = self.children.get(key)
            if key not in self.kinds:
                new += 1
                self.kinds[key] = ""
                self.samples[key] = None
            elif value is None and child is not None:
                child.nullable = True
                continue
            if type(value) is dict:
                if child is None:
                    child = self.children[key] = Place()
                    child.nullable = key in self.samples
                    del self.samples[key]
                new += child.take(value)
            elif not self.kinds[key] and value is not None:
                self.samples[key] = value
                self.kinds[key] = _KINDS[type(value)]
        return new

    def example(self) -> dict[str, Any]:
        """An object with all keys."""
        return {
            key: self.children[key].example() if key in self.children else self.samples[key]
            for key in self.kinds
        }


def _plain(key: str) -> bool:
    """Whether a decoder can be made for the key."""
    return key.isprintable() and '"' not in key and "\\" not in key


class _Level:
    """How the objects at one place are decoded: as structures, their fields in order."""

    def __init__(self, place: Place) -> None:
        self.nullable = place.nullable
        self.keys = [
            (key, kind, _Level(place.children[key]) if key in place.children else None)
            for key, kind in place.kinds.items()
        ]
        fields: list[tuple[str, Any, Any]] = []
        for number, (key, kind, child) in enumerate(self.keys):
            if child is None:
                hint, default = _TYPES[kind], msgspec.field(name=key, default=None)
            else:
                hint = child.type | None if child.nullable else child.type
                default = msgspec.field(name=key, default_factory=child.type)
            fields.append((f"f{number}", hint, default))
        self.type: Any = msgspec.defstruct("Decoded", fields, forbid_unknown_fields=True, gc=False)
        self.empty = self.type()

    def field(self, key: str) -> str | None:
        """The name of a key's field in the structures."""
        keys = [name for name, _, _ in self.keys]
        return f"f{keys.index(key)}" if key in keys else None

    def kinds(self, path: Path, found: dict[Path, str]) -> None:
        """The kinds of all leaves, by place."""
        for key, kind, child in self.keys:
            if child is None:
                found[*path, key] = kind
            else:
                child.kinds((*path, key), found)

    def spread(self, path: Path, objects: Sequence[Any], found: dict[Path, Sequence[Any]]) -> None:
        """The values of decoded objects, by place."""
        columns = zip(*map(astuple, objects), strict=True)
        for (key, _, child), values in zip(self.keys, columns, strict=True):
            if child is None:
                found[*path, key] = values
                continue
            if child.nullable:
                empty = child.empty
                values = tuple([empty if value is None else value for value in values])
            child.spread((*path, key), values, found)


class Mold:
    """A decoder of events that follow a pattern, as it was when the mold was made."""

    def __init__(self, place: Place) -> None:
        self._level = _Level(place)
        self.decode = msgspec.json.Decoder(self._level.type).decode
        """An event from its JSON; raises if the event does not follow the pattern."""
        self.head_of = _head_getter(self._level)
        """Type and name of a decoded event."""
        self.example = place.example()
        """An event with all keys."""
        self.kinds: dict[Path, str] = {}
        """Of all leaves."""
        self._level.kinds((), self.kinds)

    def columns(self, events: Sequence[Any]) -> Mapping[Path, Sequence[Any]]:
        """The values of decoded events, by leaf; null where an event has nothing."""
        found: dict[Path, Sequence[Any]] = {}
        self._level.spread((), events, found)
        return found


class Pattern:
    """What events of one type and name look like, as far as it was learnt."""

    def __init__(self) -> None:
        self._place = Place()
        self._keys = 0
        self._mold: Mold | None = None

    def learn(self, event: Mapping[str, Any]) -> bool:
        """Learn from an event; whether it follows the pattern now."""
        if self._keys + _keys(event) > 2 * LEAVES_MAX or not self._place.admits(event):
            return False
        self._keys += self._place.take(event)
        self._mold = None
        return True

    @property
    def mold(self) -> Mold:
        """The decoder of what was learnt so far."""
        if self._mold is None:
            self._mold = Mold(self._place)
        return self._mold


def _head_getter(level: _Level) -> Callable[[Any], tuple[Any, Any]]:
    kind, name = level.field("type"), level.field("event")
    if kind and name:
        return attrgetter(kind, name)
    if kind:
        get = attrgetter(kind)
        return lambda event: (get(event), None)
    return lambda event: (None, None)


def _keys(source: Mapping[str, Any]) -> int:
    return len(source) + sum(_keys(value) for value in source.values() if type(value) is dict)
