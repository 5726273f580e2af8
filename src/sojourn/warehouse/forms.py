"""Where the values of events of one shape go, found out by asking the transformer.

A form puts a mark in the place of every value of an event, lets the transformer make rows of
it, and reads off which mark came out in which column. So the rules are stated once, in the
transformer, and applied to whole columns. What depends on the values themselves (blank ones
leave no column, and may uncover another value) is asked with those values blank. Where marks do
not tell the truth, the form says so, and the events go through the transformer one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sojourn.warehouse.shapes import Levels
from sojourn.warehouse.transform import Origin, Row, Transformer, UnusableEvent
from sojourn.warehouse.transform.settings import ANY_WAREHOUSE
from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import TIME_MAX, is_blank, json_text

_MARK = "\x1a"
_FIRST_TIME = datetime(1000, 1, 1)  # noqa: DTZ001 - a mark, not a time
_SPREAD_KEYS = ("0", "1")
Leaf = tuple[int, str]
"""Number of the object (in the order of `Levels`) and key."""
Absent = frozenset[Leaf]
_KEPT: Absent = frozenset(((0, "type"), (0, "event")))
"""What a shape fixes: it stays as it is."""


class Unmappable(Exception):
    """The rows of such events do not follow from their shape."""


@dataclass
class Target:
    """What goes into one table."""

    table: str
    leaves: dict[str, Leaf] = field(default_factory=dict)
    """By column."""
    constants: dict[str, Any] = field(default_factory=dict)
    """By column: what is the same for all events."""
    types: dict[str, str] = field(default_factory=dict)
    """Of the constants, and of columns that the load fills."""

    def without(self, leaf: Leaf) -> Target:
        """The same without the columns of `leaf`."""
        leaves = {column: source for column, source in self.leaves.items() if source != leaf}
        return Target(self.table, leaves, self.constants, self.types)


class Form:
    """The targets of events of one shape and origin."""

    def __init__(self, transformer: Transformer, origin: Origin, example: Levels) -> None:
        """`example` is an event of the shape, as `Shapes` gives it."""
        self._transformer = transformer
        self._origin = origin
        self._example = example
        self._targets: dict[Absent, list[Target] | None] = {}
        self._alone: dict[tuple[Absent, Leaf], bool] = {}
        self.leaves: list[Leaf] = [
            (number, key)
            for number, level in enumerate(example)
            for key, value in level.items()
            if type(value) is not dict and (number, key) not in _KEPT
        ]
        self._checked: set[Absent] = set()
        self._hopeless = (
            self._has_options()
            or any(key in level for level in example for key in _SPREAD_KEYS)
            or _objects(example[0]) != len(example)
            # Null stands for an empty context there, other blank values are errors.
            or type(example[0].get("context", {})) is not dict
        )

    def _has_options(self) -> bool:
        """Whether the event may carry settings of its own for this warehouse."""
        integrations = self._example[0].get("integrations")
        options = {self._transformer.provider.type, ANY_WAREHOUSE}
        return type(integrations) is dict and not options.isdisjoint(integrations)

    def targets(self, absent: Absent) -> list[Target]:
        """Where the values go if those of `absent` are blank.

        Raises `Unmappable` where that does not follow from the shape.
        """
        if self._hopeless:
            raise Unmappable
        if absent not in self._targets:
            try:
                self._targets[absent] = self._probe(absent)
            except Unmappable:
                self._targets[absent] = None
        found = self._targets[absent]
        if found is None:
            raise Unmappable
        return found

    def stands_alone(self, absent: Absent, leaf: Leaf) -> bool:
        """Whether nothing but its own columns goes when `leaf` is blank too."""
        key = (absent, leaf)
        if key not in self._alone:
            try:
                without = self.targets(absent | {leaf})
            except Unmappable:
                without = []
            expected = [target.without(leaf) for target in self.targets(absent)]
            self._alone[key] = without == expected
        return self._alone[key]

    def check(self, absent: Absent, sample: Levels) -> None:
        """Compare with what the transformer makes of a real event, once for each `absent`.

        Call it if all its other blank values stand alone. Raises `Unmappable`.
        """
        if absent in self._checked:
            return
        targets = self.targets(absent)
        try:
            rows = self._transformer.rows(sample[0], self._origin)
        except UnusableEvent:
            rows = []
        if not _agree(rows, targets, sample):
            self._targets[absent] = None
            raise Unmappable
        self._checked.add(absent)

    def is_list(self, leaf: Leaf) -> bool:
        """Whether the example has a list there: lists are treated differently."""
        number, key = leaf
        return type(self._example[number][key]) is list

    def _probe(self, absent: Absent) -> list[Target]:
        marks: dict[Any, Leaf] = {}
        event = self._marked(iter(enumerate(self._example)), absent, marks)
        try:
            rows = self._transformer.rows(event, self._origin)
        except UnusableEvent:
            raise Unmappable from None
        return [_target(row, marks) for row in rows]

    def _marked(
        self,
        levels: Iterator[tuple[int, dict[str, Any]]],
        absent: Absent,
        marks: dict[Any, Leaf],
    ) -> dict[str, Any]:
        """The next object of the example, and all within, with marks for values."""
        number, source = next(levels)
        marked: dict[str, Any] = {}
        for key, value in source.items():
            leaf = (number, key)
            if type(value) is dict:
                marked[key] = self._marked(levels, absent, marks)
            elif leaf in _KEPT:
                marked[key] = value
            elif leaf in absent:
                marked[key] = None
            else:
                marked[key] = _mark(value, len(marks))
                stored = marked[key]
                marks[json_text(stored) if type(stored) is list else stored] = leaf
        return marked


def _objects(source: dict[str, Any]) -> int:
    """How many objects there are, itself included."""
    return 1 + sum(_objects(value) for value in source.values() if type(value) is dict)


def _mark(value: Any, number: int) -> Any:
    """Something unmistakable that the transformer treats as it treats `value`."""
    if type(value) is str and value[4:5] == "-" and len(value) < TIME_MAX and KNOWN_TIMES[value]:
        moment = _FIRST_TIME + timedelta(seconds=number)
        return moment.isoformat(timespec="milliseconds") + "Z"
    mark = f"{_MARK}{number}{_MARK}"
    return [mark] if type(value) is list else mark


def _target(row: Row, marks: Mapping[Any, Leaf]) -> Target:
    if row.merge_rule:
        raise Unmappable
    target = Target(row.table)
    for column, value in row.values.items():
        leaf = marks.get(value)
        if leaf is not None:
            target.leaves[column] = leaf
        elif type(value) is str and (_MARK in value or json_text(_MARK)[1:-1] in value):
            raise Unmappable
        else:
            target.constants[column] = value
    target.types = {c: kind for c, kind in row.types.items() if c not in target.leaves}
    return target


def _agree(rows: Sequence[Row], targets: Sequence[Target], sample: Levels) -> bool:
    """Whether the rows are those that the targets give for the event `sample`."""
    if [row.table for row in rows] != [target.table for target in targets]:
        return False
    for row, target in zip(rows, targets, strict=True):
        values = {c: _stored(sample[number][key]) for c, (number, key) in target.leaves.items()}
        present = {column: value for column, value in values.items() if value is not None}
        if present | target.constants != row.values:
            return False
    return True


def _stored(value: Any) -> Any:
    """How a value is stored in a column of its own type; None if it is blank."""
    if type(value) is str:
        time = KNOWN_TIMES[value] if value[4:5] == "-" and len(value) < TIME_MAX else None
        return time or value or None
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is list:
        return None if is_blank(value) else json_text(value)
    return value
