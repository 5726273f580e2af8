"""The values that one leaf has in many events, as an Arrow array with a type.

The rules are those of `sojourn.warehouse.transform.values`, applied to a column at a time. What
does not have one type throughout is left to the transformer, event by event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sojourn.warehouse.columns import ARROW_TYPES
from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import TIME_MAX, is_blank, json_text

_MISFITS = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError, TypeError)
_NONE = type(None)
_NUMBERS = ({int}, {float}, {int, float})
_USUAL = len("2026-11-24T11:07:35.041Z")
_LIKE_A_TIME = r"^\d{4}-"


@dataclass(slots=True)
class Vector:
    """A column of values; blank ones (null, empty text, empty list) are null."""

    type: str
    """That of the first value; empty if all are blank."""
    array: pa.Array
    blanks: int
    values: Sequence[Any] = ()
    """Numbers and times as they came, for columns of other types."""

    def as_type(self, wanted: str) -> pa.Array | None:
        """The array for a column of type `wanted`; None if the rules must look at each value."""
        if wanted == self.type:
            return self.array
        if wanted in ("string", "text") and self.type in ("string", "datetime"):
            return self.array if self.type == "string" else _stored_times(self.values)
        if wanted in ("int", "float") and self.type in ("int", "float"):
            return _array(self.values, wanted)
        return None


def vector_of(values: Sequence[Any]) -> Vector | None:
    """The values as a vector; None if they are of several types or too odd for one."""
    first = values[0]
    if type(first) is str:
        return _texts(values)
    kinds = set(map(type, values))
    kinds.discard(_NONE)
    if not kinds:
        return Vector("", pa.nulls(len(values)), len(values))
    if kinds == {str}:
        return _texts(values)
    if kinds in _NUMBERS:
        return _numbers(values)
    if kinds == {bool}:
        array = pa.array(values, pa.bool_())
        return Vector("boolean", array, array.null_count)
    if kinds == {list}:
        texts = [None if is_blank(value) else json_text(value) for value in values]
        return _with_blanks(_array(texts, "string"))
    return None


def _texts(values: Sequence[Any]) -> Vector | None:
    array = _array(values, "string")
    if array is None:
        return None
    if "" in values:
        array = pc.if_else(pc.equal(array, ""), None, array)
    if pc.any(pc.match_substring_regex(array, _LIKE_A_TIME)).as_py():
        return _times(values, array)
    return _with_blanks(array)


def _times(values: Sequence[Any], array: pa.Array) -> Vector | None:
    """A vector of times, if all are; of text, if none is."""
    moments = _usual_times(array)
    if moments is None:
        times = _stored_times(values)
        if times.null_count == len(array):
            return _with_blanks(array)
        if times.null_count > array.null_count:
            return None
        moments = times.cast(ARROW_TYPES["datetime"])
    return Vector("datetime", moments, array.null_count, values)


def _usual_times(array: pa.Array) -> pa.Array | None:
    """The times, if all are written as SDKs do: Arrow reads those faster, and the same."""
    lengths = pc.min_max(pc.binary_length(array))
    if lengths["min"].as_py() != _USUAL or lengths["max"].as_py() != _USUAL:
        return None
    try:
        moments = array.cast(ARROW_TYPES["datetime"])
    except _MISFITS:
        return None
    return moments if pc.min(array).as_py() >= "0001" else None


def _stored_times(values: Sequence[Any]) -> pa.Array:
    texts = [KNOWN_TIMES[text] if text and len(text) < TIME_MAX else None for text in values]
    return pa.array(texts, pa.string())


def _numbers(values: Sequence[Any]) -> Vector | None:
    first = next(value for value in values if value is not None)
    kind = "int" if type(first) is int or first.is_integer() else "float"
    array = _array(values, kind)
    return Vector(kind, array, array.null_count, values) if array is not None else None


def _with_blanks(array: pa.Array | None) -> Vector | None:
    if array is None:
        return None
    blanks = array.null_count
    return Vector("" if blanks == len(array) else "string", array, blanks)


def _array(values: Sequence[Any], kind: str) -> pa.Array | None:
    try:
        return pa.array(values, ARROW_TYPES[kind])
    except _MISFITS:
        return None
