"""JSON as it goes over the wire: anything that a program puts into an event becomes valid JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from json import encoder as _encoder
from typing import Any, Optional

escape: Callable[[str], str] = _encoder.encode_basestring_ascii
"""A text as a JSON string, in ASCII."""

_MAX_DEPTH = 100


def default(value: Any) -> Any:
    """What a value that JSON does not know becomes: the nearest thing that it knows."""
    for name in ("isoformat", "tolist"):  # dates and times; arrays and numbers of numpy
        method = getattr(value, name, None)
        if callable(method):
            return method()
    if type(value).__name__ == "Decimal":
        return float(value)
    if hasattr(value, "value") and hasattr(type(value), "__members__"):  # an enum
        return value.value
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        return {key: value[key] for key in value.keys()}  # noqa: SIM118 (only the protocol is sure)
    if isinstance(value, (set, frozenset)) or hasattr(value, "__next__"):
        return list(value)
    return str(value)


def _fast_encoder() -> Optional[Callable[[Any, int], Any]]:
    """The C encoder behind `json`, without what `JSONEncoder.encode` sets up for every call.

    It is no public interface: where it is not there, or is another one, `None`.
    """
    try:
        make: Any = _encoder.c_make_encoder  # type: ignore[attr-defined]
        fast: Callable[[Any, int], Any] = make(
            None, default, escape, None, ":", ",", False, False, False
        )
        good = "".join(fast({"a": [1, None, "ü"]}, 0)) == '{"a":[1,null,"\\u00fc"]}'
    except Exception:
        return None
    return fast if good else None


_fast = _fast_encoder()
_slow = json.JSONEncoder(separators=(",", ":"), default=default, allow_nan=False).encode


def dumps(value: Any) -> str:
    """The value as JSON text in ASCII, on one line.

    Dates become ISO 8601 texts, numbers of other libraries numbers, NaN and infinities null,
    what is unknown its `str()`. Raises `ValueError` for what cannot be written at all, such as a
    list that contains itself.
    """
    try:
        return "".join(_fast(value, 0)) if _fast else _slow(value)
    except (ValueError, TypeError, RecursionError):
        try:
            return _slow(_clean(value, _MAX_DEPTH))
        except Exception as error:  # a value's own methods may raise anything
            raise ValueError(f"not JSON: {error}") from error


def _clean(value: Any, depth: int) -> Any:
    """A copy with text keys and without NaN. Only for what the encoder refused."""
    if depth == 0:
        raise ValueError("nested too deeply, or contains itself")
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_key(key): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item, depth - 1) for item in value]
    return _clean(default(value), depth - 1)


def _key(key: Any) -> Any:
    return key if isinstance(key, (str, int, bool)) or key is None else str(key)
