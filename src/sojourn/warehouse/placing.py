"""Events of one shape into columns of their tables, without making rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sojourn.warehouse.columns import ARROW_TYPES, FIXED_TYPES, LOAD_TIME, load_time_array
from sojourn.warehouse.forms import Absent, Form, Leaf, Target, Unmappable
from sojourn.warehouse.shapes import Levels, Shape
from sojourn.warehouse.transform import Origin, Transformer
from sojourn.warehouse.vectors import Vector, vector_of

_FORMS_MAX = 2_000


@dataclass
class Placed:
    """The columns of events of one shape."""

    count: int
    targets: list[Target]
    vectors: dict[Leaf, Vector]

    def types(self) -> dict[str, dict[str, str]]:
        """By table: its columns, each with the type of its first value."""
        found: dict[str, dict[str, str]] = {}
        for target in self.targets:
            types = dict(target.types)
            for column, leaf in target.leaves.items():
                types[column] = FIXED_TYPES.get(column, self.vectors[leaf].type)
            found[target.table] = types
        return found

    def columns(self, target: Target, types: Mapping[str, str], load_time: str) -> pa.Table | None:
        """What goes into one table, whose columns have the given types.

        None if a value might not fit: then the rules must look at each.
        """
        arrays: dict[str, pa.Array] = {}
        for column, leaf in target.leaves.items():
            if column == LOAD_TIME:
                continue
            array = self.vectors[leaf].as_type(types[column])
            if array is None:
                return None
            arrays[column] = array
        for column, value in target.constants.items():
            kind = target.types[column]
            if kind != types[column] or kind == "json":
                return None
            arrays[column] = pa.repeat(pa.scalar(value, ARROW_TYPES[kind]), self.count)
        if LOAD_TIME in types:
            arrays[LOAD_TIME] = load_time_array(types[LOAD_TIME], load_time, self.count)
        return pa.table(arrays)


class Placer:
    """Keeps the forms of the shapes seen."""

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer
        self._forms: dict[tuple[str, Shape], Form] = {}

    def place(self, origin: Origin, shape: Shape, events: Sequence[Levels]) -> Placed | None:
        """The columns of events of one shape; None if they must be looked at one by one."""
        key = (origin.source_id, shape)
        form = self._forms.get(key)
        if form is None:
            if len(self._forms) >= _FORMS_MAX:
                self._forms.clear()
            form = self._forms[key] = Form(self._transformer, origin, events[0])
        try:
            return _placed(form, events)
        except Unmappable:
            return None


def _placed(form: Form, events: Sequence[Levels]) -> Placed:
    by_level = _Transposed(events)
    # All leaves, also those that go nowhere: an odd value might bring them somewhere.
    vectors = {leaf: _vector(form, leaf, by_level.values(leaf)) for leaf in form.leaves}
    absent: Absent = frozenset(leaf for leaf, vector in vectors.items() if not vector.type)
    targets = form.targets(absent)
    for leaf, vector in vectors.items():
        if vector.blanks and vector.type and not form.stands_alone(absent, leaf):
            raise Unmappable
    form.check(absent, events[0])
    return Placed(len(events), targets, vectors)


def _vector(form: Form, leaf: Leaf, values: Sequence[Any]) -> Vector:
    vector = vector_of(values)
    if vector is None:
        raise Unmappable
    if vector.type:
        first = next(value for value in values if value is not None)
        if (type(first) is list) != form.is_list(leaf):
            raise Unmappable
    return vector


class _Transposed:
    """The values of many events, by object and key."""

    def __init__(self, events: Sequence[Levels]) -> None:
        self._levels = list(zip(*events, strict=True))
        self._columns: dict[int, dict[str, tuple[Any, ...]]] = {}

    def values(self, leaf: Leaf) -> tuple[Any, ...]:
        """What the events have there, in order."""
        number, key = leaf
        columns = self._columns.get(number)
        if columns is None:
            objects = self._levels[number]
            by_key = zip(*map(dict.values, objects), strict=True)
            columns = self._columns[number] = dict(zip(objects[0], by_key, strict=True))
        return columns[key]
