"""What type a value gives its column, and how it is stored."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from sojourn.warehouse.transform.times import KNOWN_TIMES

INT = "int"
FLOAT = "float"
BOOLEAN = "boolean"
STRING = "string"
TEXT = "text"
DATETIME = "datetime"
JSON = "json"

TIME_MAX = 64
"""Text of this length or more is never taken for a time."""

_encode = msgspec.json.Encoder().encode


class JsonText(str):
    """The JSON text of a value that is to stay JSON."""

    __slots__ = ()


def json_text(value: Any) -> str:
    """`value` as compact JSON text."""
    try:
        return _encode(value).decode()
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError):
        # Half a surrogate pair, or an integer of more than 64 bits: the strict encoder refuses.
        return json.dumps(value, separators=(",", ":"))


def is_blank(value: Any) -> bool:
    """Null, the empty text, an empty object, or a list of at most one thing that is blank."""
    if value is None or value == "":
        return True
    if isinstance(value, list):
        return not value or (len(value) == 1 and is_blank(value[0]))
    return isinstance(value, dict) and not value


def put(values: dict[str, Any], types: dict[str, str], name: str, value: Any) -> None:
    """Put one value that is not an object under its column, with its type, unless it is blank."""
    kind = type(value)
    if kind is str:
        if value < ":":  # empty, or it may start with a digit
            if not value:
                return
            time = KNOWN_TIMES[value] if len(value) < TIME_MAX else None
            if time is not None:
                values[name] = time
                types[name] = DATETIME
                return
        values[name] = value
        types[name] = STRING
    elif kind is int:
        values[name] = value
        types[name] = INT
    elif kind is bool:
        values[name] = value
        types[name] = BOOLEAN
    elif kind is float:
        if value.is_integer():
            values[name] = int(value)
            types[name] = INT
        else:
            values[name] = value
            types[name] = FLOAT
    elif kind is list:
        if not is_blank(value):
            values[name] = json_text(value)
            types[name] = STRING
    elif kind is JsonText:
        values[name] = str(value)
        types[name] = JSON
