"""Where the values of events that are alike go, found out by asking the transformer.

A form puts a mark in the place of every value of an event, lets the transformer make rows of
it, and reads off which mark came out in which column. So the rules are stated once, in the
transformer, and applied to whole columns. What depends on the values themselves (blank ones
leave no column, and may uncover another value) is asked with those values blank. Where marks do
not tell the truth, the form says so, and the events go through the transformer one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sojourn.warehouse.molds import Mold, Path
from sojourn.warehouse.transform import Origin, Row, Transformer, UnusableEvent
from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import TIME_MAX, is_blank, json_text

_MARK = "\x1a"
_FIRST_TIME = datetime(1000, 1, 1)  # noqa: DTZ001 - a mark, not a time
_ANSWERS_MAX = 500
Leaf = Path
Blank = frozenset[Leaf]
_KEPT = (("type",), ("event",))
"""What is the same in all events that are alike: it stays as it is."""
_NEEDED = frozenset((("messageId",), ("receivedAt",)))
"""What the transformer makes up where it is missing, for each event anew."""


class Unmappable(Exception):
    """The rows of such events do not follow from what they look like."""


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

    def without(self, blank: Blank) -> Target:
        """The same without the columns of some leaves."""
        leaves = {column: leaf for column, leaf in self.leaves.items() if leaf not in blank}
        return Target(self.table, leaves, self.constants, self.types)

    def columns_of(self, leaf: Leaf) -> set[str]:
        """The columns that a leaf goes to."""
        return {column for column, source in self.leaves.items() if source == leaf}


class Form:
    """The targets of events of one mold and origin."""

    def __init__(self, transformer: Transformer, origin: Origin, mold: Mold) -> None:
        self._transformer = transformer
        self._origin = origin
        self._example = mold.example
        self._all = frozenset(
            leaf for leaf, kind in mold.kinds.items() if kind and leaf not in _KEPT
        )
        self._probes: dict[Blank, list[Target] | None] = {}
        self._answers: dict[Blank, list[Target]] = {}
        self._free: dict[Leaf, bool] = {}
        self._checked: set[Blank] = set()
        self._leaves: list[Leaf] | None = None

    def leaves(self) -> list[Leaf]:
        """The leaves that matter: the others go nowhere, whatever is in them.

        Raises `Unmappable` if nothing follows from what the events look like.
        """
        if not self._all >= _NEEDED:
            raise Unmappable
        if self._leaves is None:
            used = {leaf for target in self._probed(frozenset()) for leaf in target.leaves.values()}
            self._leaves = [leaf for leaf in self._all if leaf in used or not self._is_free(leaf)]
        return self._leaves

    def targets(self, blank: Blank) -> list[Target]:
        """Where the values go if those of `blank` are.

        Raises `Unmappable` where that does not follow from what the events look like.
        """
        found = self._answers.get(blank)
        if found is None:
            if not _NEEDED.isdisjoint(blank):
                raise Unmappable
            found = [target.without(blank) for target in self._probed(self._bound(blank))]
            if len(self._answers) >= _ANSWERS_MAX:
                self._answers.clear()
            self._answers[blank] = found
        return found

    def stands_alone(self, blank: Blank, leaf: Leaf) -> bool:
        """Whether nothing but its own columns goes when `leaf` is blank, too."""
        if self._is_free(leaf):
            return True
        try:
            without = self.targets(blank | {leaf})
        except Unmappable:
            return False
        return without == [target.without(frozenset((leaf,))) for target in self.targets(blank)]

    def check(self, blank: Blank, sample: dict[str, Any]) -> None:
        """Compare with what the transformer makes of a real event, once for each `blank`.

        Call it if all its other blank values stand alone. Raises `Unmappable`.
        """
        bound = self._bound(blank)
        if bound in self._checked:
            return
        try:
            rows = self._transformer.rows(sample, self._origin)
        except UnusableEvent:
            rows = []
        if not _agree(rows, self.targets(blank), sample):
            self._probes[bound] = None
            self._answers.clear()
            raise Unmappable
        self._checked.add(bound)

    def _bound(self, blank: Blank) -> Blank:
        return frozenset(leaf for leaf in blank if not self._is_free(leaf))

    def _is_free(self, leaf: Leaf) -> bool:
        """Whether `leaf` only ever decides about its own columns, and no other about these.

        A value can keep others out of a column, and the more values there are, the more are kept
        out. So a leaf is free if nothing else changes when it goes from the whole event, and if it
        has the same columns when everything else has gone.
        """
        free = self._free.get(leaf)
        if free is None:
            free = self._free[leaf] = self._find_free(leaf)
        return free

    def _find_free(self, leaf: Leaf) -> bool:
        one = frozenset((leaf,))
        whole = self._probed(frozenset())
        try:
            without, alone = self._probe(one), self._probe(self._all - one)
        except Unmappable:
            return False
        if without != [target.without(one) for target in whole]:
            return False
        columns = {target.table: target.columns_of(leaf) for target in whole}
        return all(target.columns_of(leaf) == columns.get(target.table) for target in alone)

    def _probed(self, blank: Blank) -> list[Target]:
        if blank not in self._probes:
            try:
                self._probes[blank] = self._probe(blank)
            except Unmappable:
                self._probes[blank] = None
        found = self._probes[blank]
        if found is None:
            raise Unmappable
        return found

    def _probe(self, blank: Blank) -> list[Target]:
        marks: dict[Any, Leaf] = {}
        event = self._marked((), self._example, blank, marks)
        try:
            rows = self._transformer.rows(event, self._origin)
        except UnusableEvent:
            raise Unmappable from None
        return [_target(row, marks) for row in rows]

    def _marked(
        self, path: Path, source: Mapping[str, Any], blank: Blank, marks: dict[Any, Leaf]
    ) -> dict[str, Any]:
        """The example or an object in it, with marks for values."""
        marked: dict[str, Any] = {}
        for key, value in source.items():
            leaf = (*path, key)
            if type(value) is dict:
                marked[key] = self._marked(leaf, value, blank, marks)
            elif leaf in _KEPT:
                marked[key] = value
            elif value is None or leaf in blank:
                marked[key] = None
            else:
                mark = marked[key] = _mark(value, len(marks))
                marks[json_text(mark) if type(mark) is list else mark] = leaf
        return marked


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


def _agree(rows: Sequence[Row], targets: Sequence[Target], sample: dict[str, Any]) -> bool:
    """Whether the rows are those that the targets give for the event `sample`."""
    if [row.table for row in rows] != [target.table for target in targets]:
        return False
    for row, target in zip(rows, targets, strict=True):
        values = {column: _stored(sample, leaf) for column, leaf in target.leaves.items()}
        present = {column: value for column, value in values.items() if value is not None}
        if present | target.constants != row.values:
            return False
    return True


def _stored(sample: dict[str, Any], leaf: Leaf) -> Any:
    """How a value is stored in a column of its own type; None if it is blank."""
    value: Any = sample
    for key in leaf:
        value = value.get(key) if type(value) is dict else None
    if type(value) is str:
        time = KNOWN_TIMES[value] if value[4:5] == "-" and len(value) < TIME_MAX else None
        return time or value or None
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is list:
        return None if is_blank(value) else json_text(value)
    return value
