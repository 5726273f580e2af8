"""What type a value gives its column, and how it is stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
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

TIME_MAX = 41
"""Text of this length or more is never taken for a time."""

_encode = msgspec.json.Encoder().encode


def json_text(value: Any) -> str:
    """`value` as compact JSON text."""
    try:
        return _encode(value).decode()
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError):
        # Half a surrogate pair, or an integer of more than 64 bits: the strict encoder refuses.
        return json.dumps(value, separators=(",", ":"))


def is_blank(value: Any) -> bool:
    """Null, the empty text, an empty list, or a list of one thing that is empty."""
    if value is None or value == "":
        return True
    if not isinstance(value, list):
        return False
    return not value or (len(value) == 1 and value[0] is not None and is_blank(value[0]))


def put(values: dict[str, Any], types: dict[str, str], name: str, value: Any) -> None:
    """Put one value that is not an object under its column, with its type, unless it is blank."""
    kind = type(value)
    if kind is str:
        if not value:
            return
        if value < ":" and value[4:5] == "-" and len(value) < TIME_MAX:  # it may be a time
            time = KNOWN_TIMES[value]
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
    elif kind is list and not is_blank(value):
        values[name] = json_text(value)
        types[name] = STRING


def put_scalar(values: dict[str, Any], types: dict[str, str], name: str, value: Any) -> None:
    """Put a value that RudderStack's own columns take: lists and objects leave them empty.

    What the column had before is gone in any case.
    """
    if value is None or isinstance(value, list | dict) or value == "":
        values.pop(name, None)
        types.pop(name, None)
    else:
        put(values, types, name, value)


def put_fields(
    values: dict[str, Any],
    types: dict[str, str],
    fields: Iterable[tuple[str, str]],
    source: dict[str, Any],
) -> None:
    """`put_scalar` for several columns: each field is a column and its key in `source`."""
    get = source.get
    for name, key in fields:
        value = get(key)
        if type(value) is str and value:
            if value < ":" and value[4:5] == "-" and len(value) < TIME_MAX:  # it may be a time
                time = KNOWN_TIMES[value]
                if time is not None:
                    values[name] = time
                    types[name] = DATETIME
                    continue
            values[name] = value
            types[name] = STRING
        else:
            put_scalar(values, types, name, value)


def mark_long_text(values: dict[str, Any], types: dict[str, str], longest: int) -> None:
    """Give text of more UTF-16 units than `longest` the type `text`."""
    for name, value in values.items():
        if (
            type(value) is str
            and len(value) * 2 > longest
            and types[name] == STRING
            and len(value.encode("utf-16-le", "surrogatepass")) > longest * 2
        ):
            types[name] = TEXT
