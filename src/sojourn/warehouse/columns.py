"""The rows of one table turned into columns of its types; what does not fit is discarded.

Rows come as dictionaries; the columns are made shape by shape (rows that have the same columns
in the same order), so that the loop over values runs in C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sojourn.warehouse.transform import Row, cast

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "text": pa.string(),
    "json": pa.string(),
    "datetime": pa.timestamp("us", tz="UTC"),
}
LOAD_TIME = "uuid_ts"
FIXED_TYPES: Mapping[str, str] = {"id": "string", "received_at": "datetime"}
"""Merging goes by these columns, so their types do not follow the first value."""


@dataclass(slots=True)
class Discard:
    """A value that did not fit its column."""

    row_id: str
    column: str
    value: str
    received_at: str
    reason: str


class RowSet:
    """Rows of one table."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._shapes: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            self._shapes.setdefault(tuple(row.values), []).append(row)

    def first_types(self) -> dict[str, str]:
        """All columns in order of appearance, each with the type of its first value."""
        found: dict[str, str] = {}
        for first, *_ in self._shapes.values():  # in the order of their first rows
            for name, type_name in first.types.items():
                if name not in found:
                    found[name] = FIXED_TYPES.get(name, type_name)
        return found

    def columns(self, types: Mapping[str, str], load_time: str) -> tuple[pa.Table, list[Discard]]:
        """The rows as Arrow columns of the given types, and the values that do not fit them.

        `load_time` (ISO 8601) is what the column `uuid_ts` gets.
        """
        rows = [row for group in self._shapes.values() for row in group]
        discards: list[Discard] = []
        arrays = {
            name: _array(name, types[name], values, rows, discards)
            for name, values in self._pivot().items()
            if name != LOAD_TIME
        }
        if LOAD_TIME in types:
            arrays[LOAD_TIME] = load_time_array(types[LOAD_TIME], load_time, len(rows))
        return pa.table(arrays), discards

    def _pivot(self) -> dict[str, list[Any]]:
        """The values by column, nulls where a row has no such column."""
        columns: dict[str, list[Any]] = {}
        done = 0
        for names, group in self._shapes.items():
            by_column = zip(*[row.values.values() for row in group], strict=True)
            for name, values in zip(names, by_column, strict=True):
                column = columns.setdefault(name, [])
                column.extend([None] * (done - len(column)))
                column.extend(values)
            done += len(group)
        for column in columns.values():
            column.extend([None] * (done - len(column)))
        return columns


def _array(
    name: str, type_name: str, values: list[Any], rows: Sequence[Row], discards: list[Discard]
) -> pa.Array:
    array = _FAST[type_name](values)
    if array is None:
        fitting = [
            _fit(name, type_name, value, row, discards)
            for value, row in zip(values, rows, strict=True)
        ]
        array = pa.array(fitting, _SLOW_TYPES.get(type_name, ARROW_TYPES[type_name]))
        array = array.cast(ARROW_TYPES[type_name])
    return array


_MISFITS = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError, TypeError)
_SLOW_TYPES = {"datetime": pa.string()}
_INT64 = 1 << 63


def _strings(values: list[Any]) -> pa.Array | None:
    try:
        return pa.array(values, pa.string())
    except _MISFITS:
        return None


def _ints(values: list[Any]) -> pa.Array | None:
    """Floats are cut towards zero, which is the rule; booleans and text are refused."""
    try:
        return pa.array(values, pa.int64())
    except _MISFITS:
        return None


def _floats(values: list[Any]) -> pa.Array | None:
    if bool in set(map(type, values)):  # Arrow would take it for a number
        return None
    try:
        return pa.array(values, pa.float64())
    except _MISFITS:
        return None


def _booleans(values: list[Any]) -> pa.Array | None:
    try:
        return pa.array(values, pa.bool_())
    except _MISFITS:
        return None


def _datetimes(values: list[Any]) -> pa.Array | None:
    """A text that Arrow takes for a time with its zone is one by our rules too."""
    try:
        return pa.array(values, pa.string()).cast(ARROW_TYPES["datetime"])
    except _MISFITS:
        return None


def _never(values: list[Any]) -> pa.Array | None:
    """Every value of a JSON column has to be looked at."""
    return None


_FAST: Mapping[str, Callable[[list[Any]], pa.Array | None]] = {
    "int": _ints,
    "float": _floats,
    "boolean": _booleans,
    "string": _strings,
    "text": _strings,
    "datetime": _datetimes,
    "json": _never,
}


def _fit(name: str, type_name: str, value: Any, row: Row, discards: list[Discard]) -> Any:
    """`value` as the column takes it; None, and a discard, if it does not."""
    if value is None:
        return None
    result = cast(type_name, row.types[name], value)
    fitted, discarded, reason = result.value, result.discarded, result.reason
    if type_name == "int" and isinstance(fitted, int) and not -_INT64 <= fitted < _INT64:
        fitted, discarded, reason = None, str(value), "the number is too large for int"
    if type_name == "float" and isinstance(fitted, int):
        fitted = float(fitted)
    if isinstance(fitted, str):
        fitted = fitted.encode("utf-8", "replace").decode()
    row_id, received_at = row.values.get("id"), row.values.get("received_at")
    if discarded is not None and row_id and received_at:
        text = discarded.encode("utf-8", "replace").decode()
        discards.append(Discard(str(row_id), name, text, received_at, reason or ""))
    return fitted


def load_time_array(type_name: str, load_time: str, count: int) -> pa.Array:
    """The load time in a column of any type: null where the type cannot hold it."""
    if type_name in ("string", "text", "datetime"):
        return pa.repeat(pa.scalar(load_time).cast(ARROW_TYPES[type_name]), count)
    return pa.nulls(count, ARROW_TYPES[type_name])
