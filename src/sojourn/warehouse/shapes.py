"""Events sorted by shape: which keys they have, at every depth, in which order.

The events of one shape go into the same columns of the same tables, so what is true of one of
them is found out once, and their values are turned into columns together.
"""

from __future__ import annotations

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

    def __init__(self, number: int, first: dict[str, Any]) -> None:
        self.number = number
        self.children: tuple[tuple[str, _Place], ...] = tuple(
            (key, {}) for key, value in first.items() if type(value) is dict
        )


_Place = dict[tuple[str, ...], _Level]


class Shapes:
    """The shapes seen so far."""

    def __init__(self) -> None:
        self._root: _Place = {}
        self._numbers = 0

    def of(self, event: dict[str, Any]) -> tuple[Levels, Shape] | None:
        """The objects of an event and its shape; None for an event that has none.

        Events have one shape only if they also have the same `type` and `event`.
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
            whole = self._descend(level, event, levels, numbers)
        except RecursionError:
            return None
        return (levels, tuple(numbers)) if whole else None

    def _level(self, place: _Place, source: dict[str, Any]) -> _Level:
        keys = tuple(source)
        level = place.get(keys)
        if level is None:
            level = place[keys] = _Level(next(_NUMBERS), source)
            self._numbers += 1
        return level

    def _descend(
        self, level: _Level, source: dict[str, Any], levels: Levels, numbers: list[Any]
    ) -> bool:
        """Note all objects within `source`; false if one that should be there is none."""
        for key, place in level.children:
            value = source[key]
            if type(value) is not dict:
                return False
            child = place.get(tuple(value)) or self._level(place, value)
            levels.append(value)
            numbers.append(child.number)
            if child.children and not self._descend(child, value, levels, numbers):
                return False
        return True
