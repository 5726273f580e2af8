"""The values that one leaf has in many events, as an Arrow array with a type.

The rules are those of `sojourn.warehouse.transform.values`, applied to a column at a time. What
does not have one type throughout is left to the transformer, event by event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sojourn.warehouse.columns import ARROW_TYPES
from sojourn.warehouse.molds import FLAG, LIST, NUMBER
from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import TIME_MAX, is_blank, json_text

_MISFITS = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError, TypeError)
_USUAL = len("2026-11-24T11:07:35.041Z")
_SHORTEST = len("2026-11-24")
_DASH, _ZERO = ord("-"), ord("0")


@dataclass(slots=True)
class Vector:
    """A column of values; blank ones (null, empty text, empty list) are null."""

    type: str
    """That of the first value; empty if all are blank."""
    array: pa.Array
    blanks: int
    values: Sequence[Any] = ()
    """Numbers and times as they came, for columns of other types."""
    longest: int = 0
    """Of texts, in bytes."""

    def as_type(self, wanted: str) -> pa.Array | None:
        """The array for a column of type `wanted`; None if the rules must look at each value."""
        if wanted == self.type:
            return self.array
        if wanted in ("string", "text") and self.type in ("string", "datetime"):
            return self.array if self.type == "string" else _stored_times(self.values)
        if wanted in ("int", "float") and self.type in ("int", "float"):
            return _array(self.values, wanted)
        return None


def vector_of(values: Sequence[Any], kind: str) -> Vector | None:
    """The values as a vector; None if they are too odd for one.

    `kind` is that of all values which are not null (`sojourn.warehouse.molds`).
    """
    if values[0] is None and values.count(None) == len(values):
        return Vector("", None, len(values))
    if kind == NUMBER:
        return _numbers(values)
    if kind == FLAG:
        array = pa.array(values, pa.bool_())
        return Vector("boolean", array, array.null_count)
    if kind == LIST:
        texts = [None if is_blank(value) else json_text(value) for value in values]
        return _with_blanks(_array(texts, "string"))
    return _texts(values)


def _texts(values: Sequence[Any]) -> Vector | None:
    array = _array(values, "string")
    if array is None:
        return None
    # One look at the offsets tells the lengths; Arrow's kernels would take a call for each.
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, np.int32, len(array) + 1)
    lengths = starts[1:] - starts[:-1]
    longest = int(np.maximum.reduce(lengths))
    shortest = int(np.minimum.reduce(lengths))
    if shortest == 0 and "" in values:
        array = pc.if_else(pc.equal(array, ""), None, array)
    if longest >= _SHORTEST:
        starts = starts[:-1] if shortest >= _SHORTEST else starts[:-1][lengths >= _SHORTEST]
        letters = np.frombuffer(data, np.uint8)
        dashed = starts[letters[4:][starts] == _DASH]
        if len(dashed) and (letters[dashed] - _ZERO < 10).any():
            return _times(values, array, shortest == longest == _USUAL, longest)
    return _with_blanks(array, longest)


def _times(values: Sequence[Any], array: pa.Array, usual: bool, longest: int) -> Vector | None:
    """A vector of times, if all are; of text, if none is."""
    moments = _usual_times(array) if usual else None
    if moments is None:
        times = _stored_times(values)
        if times.null_count == len(array):
            return _with_blanks(array, longest)
        if times.null_count > array.null_count:
            return None
        moments = times.cast(ARROW_TYPES["datetime"])
    return Vector("datetime", moments, array.null_count, values)


def _usual_times(array: pa.Array) -> pa.Array | None:
    """Times that are written as SDKs do: Arrow reads those faster, and the same."""
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


def _with_blanks(array: pa.Array | None, longest: int = 0) -> Vector | None:
    if array is None:
        return None
    blanks = array.null_count
    return Vector("" if blanks == len(array) else "string", array, blanks, longest=longest)


def _array(values: Sequence[Any], kind: str) -> pa.Array | None:
    try:
        return pa.array(values, ARROW_TYPES[kind])
    except _MISFITS:
        return None
