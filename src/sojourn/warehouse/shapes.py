"""Events sorted by shape: which keys they have, at every depth, in which order.

The events of one shape go into the same columns of the same tables, so what is true of one of
them is found out once, and their values are turned into columns together.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import Any

_LEVELS_MAX = 20_000
_NUMBERS = count()
Shape = tuple[Any, ...]
"""Stands for a shape; equal for events of one shape."""
Levels = list[dict[str, Any]]
"""An event's objects, itself first, depth first: the same order for all events of a shape."""


class _Level:
    """Objects at one place that have the same keys in the same order."""

    __slots__ = ("children", "number")

    def __init__(self, keys: tuple[str, ...], objects: Collection[str]) -> None:
        """`objects`: the keys that objects were seen under."""
        self.number = next(_NUMBERS)
        self.children: tuple[tuple[str, _Place], ...] = tuple(
            (key, {}) for key in keys if key in objects
        )


_Place = dict[tuple[str, ...], _Level]


class Shapes:
    """The shapes seen so far."""

    def __init__(self) -> None:
        self._root: _Place = {}
        self._numbers = 0

    def of(self, event: dict[str, Any]) -> tuple[Levels, Shape] | None:
        """The objects of an event and its shape; None for an event that has none.

        Events have one shape only if they also have the same `type` and `event`. An object may
        turn up where none was before: see `learn`; who uses a shape must look out for that.
        """
        name = event.get("event")
        if name is not None and type(name) is not str:
            return None
        if self._numbers > _LEVELS_MAX:
            self._root = {}  # numbers go on: old shapes are never mistaken for new ones
            self._numbers = 0
        level = self._level(self._root, event)
        levels: Levels = [event]
        numbers: list[Any] = [event.get("type"), name, level.number]
        try:
            self._descend(level, event, levels, numbers)
        except RecursionError:
            return None
        return levels, tuple(numbers)

    def learn(self, event: dict[str, Any]) -> None:
        """Look again where `event` has objects, after it turned out not to be like its shape."""
        self._learn(self._root, event)

    def _learn(self, place: _Place, source: dict[str, Any]) -> None:
        level = self._level(place, source)
        objects = {key for key, value in source.items() if type(value) is dict}
        known = {key for key, _ in level.children}
        if not objects <= known:
            keys = tuple(source)
            level = place[keys] = _Level(keys, objects | known)
        for key, child in level.children:
            if key in objects:
                self._learn(child, source[key])

    def _level(self, place: _Place, source: dict[str, Any]) -> _Level:
        keys = tuple(source)
        level = place.get(keys)
        if level is None:
            objects = [key for key, value in source.items() if type(value) is dict]
            level = place[keys] = _Level(keys, objects)
            self._numbers += 1
        return level

    def _descend(
        self, level: _Level, source: dict[str, Any], levels: Levels, numbers: list[Any]
    ) -> None:
        """Note all objects within `source`, and where there might be one but is none."""
        for key, place in level.children:
            value = source[key]
            if type(value) is not dict:
                numbers.append(None)
                continue
            child = place.get(tuple(value)) or self._level(place, value)
            levels.append(value)
            numbers.append(child.number)
            if child.children:
                self._descend(child, value, levels, numbers)
