"""Events that are alike into columns of their tables, without making rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from sojourn.warehouse.columns import ARROW_TYPES, FIXED_TYPES, LOAD_TIME, load_time_array
from sojourn.warehouse.forms import Blank, Form, Leaf, Target, Unmappable
from sojourn.warehouse.molds import Mold
from sojourn.warehouse.sorting import Alike
from sojourn.warehouse.transform import Origin, Transformer
from sojourn.warehouse.vectors import Vector, vector_of


@dataclass
class Placed:
    """The columns of events that are alike."""

    numbers: list[int]
    """Which events."""
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
        count = len(self.numbers)
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
            arrays[column] = pa.repeat(pa.scalar(value, ARROW_TYPES[kind]), count)
        if LOAD_TIME in types:
            arrays[LOAD_TIME] = load_time_array(types[LOAD_TIME], load_time, count)
        return pa.table(arrays)


class Placer:
    """Keeps the forms of the molds that are in use."""

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer
        self._longest = transformer.provider.long_text
        self._forms: WeakKeyDictionary[Mold, dict[Origin, Form]] = WeakKeyDictionary()

    def place(self, origin: Origin, alike: Alike, sample: dict[str, Any]) -> Placed | None:
        """The columns of events; None if they must be looked at one by one.

        `sample` is the first of them, as a dictionary.
        """
        forms = self._forms.setdefault(alike.mold, {})
        form = forms.get(origin)
        if form is None:
            form = forms[origin] = Form(self._transformer, origin, alike.mold)
        try:
            return self._placed(form, alike, sample)
        except Unmappable:
            return None

    def _placed(self, form: Form, alike: Alike, sample: dict[str, Any]) -> Placed:
        leaves = form.leaves()
        columns = alike.mold.columns(alike.events)
        vectors: dict[Leaf, Vector] = {}
        for leaf in leaves:
            vector = vector_of(columns[leaf], alike.mold.kinds[leaf])
            if vector is None or (self._longest and vector.longest > self._longest):
                raise Unmappable
            vectors[leaf] = vector
        blank: Blank = frozenset(leaf for leaf, vector in vectors.items() if not vector.type)
        targets = form.targets(blank)
        for leaf, vector in vectors.items():
            if vector.blanks and vector.type and not form.stands_alone(blank, leaf):
                raise Unmappable
        form.check(blank, sample)
        return Placed(alike.numbers, targets, vectors)
