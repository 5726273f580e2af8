"""How the answer to a conformance case is compared with what the case expects.

The rules are those of the cases' own description: object keys are free in order, arrays are
not, numbers compare by value and never equal a string or a boolean; `{"$json": X}` stands for
a string whose JSON text equals X, `{"$match": "re"}` for a string that the expression finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["UnknownCase", "difference", "same"]

_SHOWN = 160
"""Longest rendering of a value in a message, characters."""


class UnknownCase(Exception):
    """A case is of a destination or stage that the runner does not know; the message says which."""


def difference(case: Mapping[str, Any], actual: Mapping[str, Any]) -> str | None:
    """The first difference between what `case` expects and `actual`, or None.

    `actual` has the form of the case's `expected`. The text names the place
    (`requests[0].body.value…`), what is expected there and what is there.
    """
    expected: Mapping[str, Any] = case["expected"]
    if "error" in expected and "requests" not in expected:
        return _error(expected["error"], actual.get("error"), actual, "error")
    if "deliveries" in expected:
        return _deliveries(expected["deliveries"], actual.get("deliveries"))
    if "rows" in expected:
        return _rows(expected["rows"], actual)
    if "error" in actual and "error" not in expected:
        return f"error: nothing expected, got {_show(actual['error'])}"
    for key, value in expected.items():
        if key == "error":
            found = _error(value, actual.get("error"), actual, "error")
        elif key == "requests":
            found = _requests(value, actual.get("requests"), "requests")
        elif key not in actual:
            found = f"{key}: expected {_show(value)}, got nothing"
        else:
            found = same(value, actual[key], key, json_text=case["stage"] == "cast")
        if found:
            return found
    return None


def same(expected: Any, actual: Any, path: str = "", *, json_text: bool = False) -> str | None:
    """The first difference between two JSON values, or None.

    With `json_text` an expected array or object may also be given as its JSON text.
    """
    if isinstance(expected, Mapping) and len(expected) == 1:
        if "$json" in expected:
            return _json_text(expected["$json"], actual, path)
        if "$match" in expected:
            hit = isinstance(actual, str) and re.search(expected["$match"], actual)
            return None if hit else _unequal(path, expected, actual)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return _objects(expected, actual, path, json_text)
    if isinstance(expected, list) and _is_array(actual):
        return _arrays(expected, actual, path, json_text)
    if json_text and isinstance(expected, (list, dict)) and isinstance(actual, str):
        return _json_text(expected, actual, path)
    return None if _equal_scalars(expected, actual) else _unequal(path, expected, actual)


def _equal_scalars(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float)):
        return expected == actual
    return type(expected) is type(actual) and bool(expected == actual)


def _is_array(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _objects(
    expected: Mapping[str, Any], actual: Mapping[str, Any], path: str, json_text: bool
) -> str | None:
    for key, value in expected.items():
        place = f"{path}.{key}" if path else key
        if key not in actual:
            return f"{place}: expected {_show(value)}, got nothing"
        found = same(value, actual[key], place, json_text=json_text)
        if found:
            return found
    extra = [key for key in actual if key not in expected]
    if extra:
        place = f"{path}.{extra[0]}" if path else extra[0]
        return f"{place}: nothing expected, got {_show(actual[extra[0]])}"
    return None


def _arrays(expected: list[Any], actual: Sequence[Any], path: str, json_text: bool) -> str | None:
    for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
        found = same(left, right, f"{path}[{index}]", json_text=json_text)
        if found:
            return found
    if len(expected) != len(actual):
        return f"{path}: expected {len(expected)} elements, got {len(actual)}"
    return None


def _json_text(expected: Any, actual: Any, path: str) -> str | None:
    if not isinstance(actual, str):
        return _unequal(path, {"$json": expected}, actual)
    try:
        parsed = json.loads(actual)
    except ValueError:
        return f"{path}: expected JSON text, got {_show(actual)}"
    return same(expected, parsed, path)


def _error(expected: Any, actual: Any, whole: Mapping[str, Any], path: str) -> str | None:
    if not isinstance(actual, Mapping):
        return f"{path}: expected {_show(expected)}, got {_show(whole)}"
    for key in ("status", "type"):
        if key in expected and expected[key] != actual.get(key):
            return _unequal(f"{path}.{key}", expected[key], actual.get(key))
    return None


def _requests(expected: list[Any], actual: Any, path: str) -> str | None:
    if not _is_array(actual):
        return f"{path}: expected {len(expected)} requests, got {_show(actual)}"
    for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
        found = _request(left, right, f"{path}[{index}]")
        if found:
            return found
    if len(expected) != len(actual):
        return f"{path}: expected {len(expected)} requests, got {len(actual)}"
    return None


def _request(expected: Mapping[str, Any], actual: Mapping[str, Any], path: str) -> str | None:
    for key, value in expected.items():
        place = f"{path}.{key}"
        got = actual.get(key)
        if key == "headers":
            found = same(_lower(value), _lower(got or {}), place)
        elif key == "query":
            found = same(_wire(value), _wire(got or {}), place)
        elif key == "body" and value and value.get("format") == "form" and got:
            found = same({**value, "value": {}}, {**got, "value": {}}, place) or same(
                value["value"], got["value"], f"{place}.value", json_text=True
            )
        else:
            found = same(value, got, place)
        if found:
            return found
    return None


def _lower(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in headers.items()}


def _wire(query: Mapping[str, Any]) -> dict[str, str]:
    """A query as it reads on the wire; null and the empty text both are sent as nothing useful."""
    return {name: _text(value) for name, value in query.items() if value not in (None, "")}


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _deliveries(expected: list[Any], actual: Any) -> str | None:
    if not _is_array(actual):
        return f"deliveries: expected {len(expected)}, got {_show(actual)}"
    left = list(actual)
    for wanted in expected:
        ids = wanted["job_ids"]
        mine = [one for one in left if list(one.get("job_ids", ())) == ids]
        if not mine:
            have = [one.get("job_ids") for one in left]
            return f"deliveries: none for jobs {ids}; there are {_show(have)}"
        found = [_delivery(wanted, one, f"deliveries[jobs {ids}]") for one in mine]
        if all(found):
            return found[0]
        left.remove(mine[found.index(None)])
    return f"deliveries: nothing expected, got {_show(left[0])}" if left else None


def _delivery(expected: Mapping[str, Any], actual: Mapping[str, Any], path: str) -> str | None:
    if "error" in expected:
        return _error(expected["error"], actual.get("error"), actual, f"{path}.error")
    return _requests(expected["requests"], actual.get("requests"), f"{path}.requests")


def _rows(expected: list[Any], actual: Mapping[str, Any]) -> str | None:
    rows = actual.get("rows")
    if not _is_array(rows):
        return f"rows: expected {len(expected)}, got {_show(actual)}"
    for index, (left, right) in enumerate(zip(expected, rows or (), strict=False)):
        for key, value in left.items():
            place = f"rows[{index}].{key}"
            found = same(value, right.get(key), place, json_text=key == "values")
            if found:
                return f"{found} (table {left.get('table')})"
    if len(expected) != len(rows or ()):
        tables = [row.get("table") for row in rows or ()]
        return f"rows: expected {len(expected)}, got {len(tables)}: {tables}"
    return None


def _unequal(path: str, expected: Any, actual: Any) -> str:
    return f"{path}: expected {_show(expected)}, got {_show(actual)}"


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
