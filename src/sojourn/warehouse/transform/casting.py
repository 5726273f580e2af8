"""A value that meets a column of another type (RudderStack's rules of conversion)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sojourn.warehouse.transform.gotext import go_float, go_text
from sojourn.warehouse.transform.values import FLOAT, INT, JSON, STRING, TEXT, json_text


class Cast(NamedTuple):
    """What goes into the column, and what goes to `rudder_discards`."""

    value: Any
    discarded: str | None = None
    """The value as text, if it does not fit; `value` is None then."""
    reason: str | None = None


def cast(column_type: str, value_type: str, value: Any) -> Cast:
    """What becomes of `value`, of `value_type`, in a column of `column_type`.

    Text is never parsed: `"12"` does not fit an `int` column.
    """
    if value is None:
        return Cast(None)
    if column_type in (STRING, TEXT):
        return Cast(_text(value))
    if column_type == value_type:
        return Cast(value)
    if column_type == JSON:
        return Cast(_json(value))
    if column_type == FLOAT and value_type == INT:
        return Cast(value)
    if column_type == INT and value_type == FLOAT and math.isfinite(value):
        return Cast(int(value))
    reason = f"incompatible schema conversion from {column_type} to {value_type}"
    return Cast(None, go_text(value), reason)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return go_float(value)
    return json_text(value)


def _json(value: Any) -> str:
    if isinstance(value, float):
        return go_float(value)
    return json_text(value)
