"""Some events of one source into columns of its tables.

Events that are alike go into columns together (`sojourn.warehouse.placing`); rare ones and odd
values go through the transformer one by one. Both ways end in the same columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from sojourn.core.source import Source
from sojourn.warehouse.columns import Discard, RowSet
from sojourn.warehouse.placing import Placed, Placer
from sojourn.warehouse.sorting import Sorter, decode
from sojourn.warehouse.transform import DISCARDS_TABLE, Origin, Row, Transformer

FEW = 12
"""Fewer events that are alike go through the transformer one by one."""
USERS = "users"
"""Its rows are made from `identifies`; those of the events only say which columns there are."""
Sources = Callable[[str], Source | None]
"""The source of an id; None for one that is configured no more."""


class Schema(Protocol):
    """The tables that a warehouse has, and how they are widened."""

    def types(self, namespace: str, table: str) -> Mapping[str, str]:
        """The columns of a table and their types; none if it is not there."""
        ...

    def admit(self, namespace: str, wanted: Mapping[str, dict[str, str]]) -> None:
        """Make or widen tables, so that they have all the columns of `wanted`."""
        ...


class Workshop:
    """What a warehouse keeps from load to load."""

    def __init__(self, transformer: Transformer, sources: Sources, catalog: Schema) -> None:
        self.transformer = transformer
        self.sources = sources
        self.catalog = catalog
        self.sorter = Sorter(transformer.provider.type)
        self.placer = Placer(transformer)


class Portion:
    """Makes columns of events of one source and widens its tables as they need it."""

    def __init__(self, workshop: Workshop, origin: Origin, namespace: str, load_time: str) -> None:
        self.parts: list[tuple[str, pa.Table]] = []
        """Table, and rows for it."""
        self.discarded = 0
        """Values that did not fit their column."""
        self.failed: dict[int, str] = {}
        """Why events have no rows, by their number."""
        self._workshop = workshop
        self._catalog = workshop.catalog
        self._origin = origin
        self._namespace = namespace
        self._load_time = load_time

    def take(self, lines: Sequence[bytes]) -> None:
        """Fill `parts` and `failed` from events, each the JSON text of one."""
        placed, rest = self._placed(lines)
        sets = self._row_sets(lines, rest)
        wanted = self._wanted([p.types() for p in placed], sets)
        if wanted is None:  # the order of the events decides about a type
            placed = []
            self.failed = {}
            sets = self._row_sets(lines, range(len(lines)))
            wanted = {table: rows.first_types() for table, rows in sets.items()}
        self._catalog.admit(self._namespace, wanted)
        misfits = [number for p in placed if not self._add_placed(p) for number in p.numbers]
        self._add_rows(sets)
        self._add_rows(self._row_sets(lines, sorted(misfits)))

    def _placed(self, lines: Sequence[bytes]) -> tuple[list[Placed], list[int]]:
        """What can be placed together; and the numbers of the other events."""
        found: list[Placed] = []
        sorter, placer = self._workshop.sorter, self._workshop.placer
        groups, rest = sorter.sort(self._origin.source_id, lines, FEW)
        for alike in groups:
            placed = placer.place(self._origin, alike, decode(lines[alike.numbers[0]]))
            if placed is None:
                rest += alike.numbers
            else:
                found.append(placed)
        return found, sorted(rest)

    def _row_sets(self, lines: Sequence[bytes], numbers: Iterable[int]) -> dict[str, RowSet]:
        tables: dict[str, list[Row]] = {}
        for number in numbers:
            try:
                rows = self._workshop.transformer.rows(decode(lines[number]), self._origin)
            except Exception as error:  # whatever an event holds, the others are loaded
                self.failed[number] = reason_of(error)
                continue
            for row in rows:
                tables.setdefault(row.table, []).append(row)
        return {table: RowSet(rows) for table, rows in tables.items()}

    def _wanted(
        self, placed: Iterable[Mapping[str, Mapping[str, str]]], sets: Mapping[str, RowSet]
    ) -> dict[str, dict[str, str]] | None:
        """The types of all columns; None if new columns would get several."""
        wanted: dict[str, dict[str, str]] = {}
        for tables in (*placed, {table: rows.first_types() for table, rows in sets.items()}):
            for table, types in tables.items():
                known = self._catalog.types(self._namespace, table)
                mine = wanted.setdefault(table, {})
                for column, kind in types.items():
                    if mine.setdefault(column, kind) != kind and column not in known:
                        return None
        return wanted

    def _add_placed(self, placed: Placed) -> bool:
        """Add all columns, or none if a value might not fit."""
        found: list[tuple[str, pa.Table]] = []
        for target in placed.targets:
            if target.table != USERS:
                types = self._catalog.types(self._namespace, target.table)
                columns = placed.columns(target, types, self._load_time)
                if columns is None:
                    return False
                found.append((target.table, columns))
        self.parts += found
        return True

    def _add_rows(self, sets: Mapping[str, RowSet]) -> None:
        discards: list[Row] = []
        for table, rows in sets.items():
            if table != USERS:
                discards += [_discard_row(table, misfit) for misfit in self._add(table, rows)]
        if discards:
            self._add(DISCARDS_TABLE, RowSet(discards))
            self.discarded += len(discards)

    def _add(self, table: str, rows: RowSet) -> list[Discard]:
        types = self._catalog.types(self._namespace, table)
        columns, misfits = rows.columns(types, self._load_time)
        self.parts.append((table, columns))
        return misfits


def reason_of(error: Exception) -> str:
    """Why an event was refused, for people."""
    return getattr(error, "detail", None) or f"{type(error).__name__}: {error}"


def _discard_row(table: str, discard: Discard) -> Row:
    values = {
        "table_name": table,
        "row_id": discard.row_id,
        "column_name": discard.column,
        "column_value": discard.value,
        "received_at": discard.received_at,
        "reason": discard.reason,
    }
    types = dict.fromkeys(values, "string") | {"received_at": "datetime"}
    return Row(DISCARDS_TABLE, values, types)
