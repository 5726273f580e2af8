"""Fields of a far end as data, compiled into one pass over the event.

A row is `(target, source, …)`: the first source path that holds something goes to `target`.
Something is anything but null and, if not said otherwise, the empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sojourn.destinations.values import child

Row = tuple[str, ...]
Mapper = Callable[[Mapping[str, Any], dict[str, Any]], None]


def compiled(rows: Iterable[Row], *, empty: bool = False) -> Mapper:
    """A function `(event, out)` that writes the mapped fields into `out`.

    With `empty`, the empty text is something too.

    Each object on the way is looked up once per event, and rows below an object that is not
    there cost nothing.
    """
    plan = _Plan()
    for target, *sources in rows:
        plan.add(target, sources)
    return plan.mapper(None if empty else "")


class _Plan:
    """Objects to look up, parents first, and the fields to read from each."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, ...], int] = {(): 0}
        self.steps: list[tuple[int, str]] = []
        self.single: dict[int, list[tuple[str, str]]] = {}
        self.choices: list[tuple[str, list[tuple[int, str]]]] = []

    def place(self, path: tuple[str, ...]) -> int:
        """The index of the object at `path`, added with its parents if it is new."""
        if path not in self.objects:
            parent = self.place(path[:-1])
            self.objects[path] = len(self.objects)
            self.steps.append((parent, path[-1]))
        return self.objects[path]

    def add(self, target: str, sources: list[str]) -> None:
        """Add one row."""
        places = []
        for source in sources:
            *parents, key = source.split(".")
            places.append((self.place(tuple(parents)), key))
        if len(places) == 1:
            index, key = places[0]
            self.single.setdefault(index, []).append((key, target))
        else:
            self.choices.append((target, places))

    def mapper(self, nothing: str | None) -> Mapper:
        """The compiled function; `nothing` counts as nothing, beside null."""
        steps, choices = self.steps, self.choices
        single = [(index, tuple(fields)) for index, fields in self.single.items()]

        def run(event: Mapping[str, Any], out: dict[str, Any]) -> None:
            objects: list[Any] = [event]
            for parent, key in steps:
                above = objects[parent]
                below = above.get(key) if above.__class__ is dict else child(above, key)
                objects.append(below)
            for index, fields in single:
                source = objects[index]
                if source.__class__ is dict and source:
                    for key, target in fields:
                        value = source.get(key)
                        if value is not None and value != nothing:
                            out[target] = value
            for target, places in choices:
                for index, key in places:
                    source = objects[index]
                    if source.__class__ is dict:
                        value = source.get(key)
                        if value is not None and value != nothing:
                            out[target] = value
                            break

        return run
