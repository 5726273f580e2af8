"""What callers give is checked before anything changes: each error names the argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from sojourn.sdk.options import Options
from sojourn.sdk.wire import dumps, escape

_OPTIONS = frozenset(Options.__annotations__)


def text(value: Any, name: str) -> str:
    """A text as JSON. Raises `TypeError`."""
    if not isinstance(value, str):
        raise _wrong(value, name, "a str")
    return escape(value)


def identifier(value: Any, name: str) -> str:
    """An id as text; a whole number counts as its digits. Raises `TypeError`."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _wrong(value, name, "a str")


def members(value: Optional[Mapping[str, Any]], name: str) -> str:
    """A mapping as JSON; `None` is an empty one. Raises `TypeError` and `ValueError`."""
    if not value:
        return "{}"
    written = dumps(value)
    if written[0] != "{":
        raise _wrong(value, name, "a mapping")
    return written


def options(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of a call, ids as texts. Raises `TypeError`."""
    if not given:
        return given
    unknown = given.keys() - _OPTIONS
    if unknown:
        raise TypeError(f"no option {', '.join(sorted(unknown))}: there are {_names()}")
    checked = {key: value for key, value in given.items() if value is not None}
    for name in ("user_id", "anonymous_id"):
        if name in checked:
            checked[name] = identifier(checked[name], name)
    for name in ("context", "integrations"):
        if not isinstance(checked.get(name, {}), Mapping):
            raise _wrong(checked[name], name, "a mapping")
    if not isinstance(checked.get("message_id", ""), str):
        raise _wrong(checked["message_id"], "message_id", "a str")
    if "timestamp" in checked and not hasattr(checked["timestamp"], "timestamp"):
        raise _wrong(checked["timestamp"], "timestamp", "a datetime")
    if "session_id" in given:
        session_id = given["session_id"]
        if session_id is not None and type(session_id) is not int:
            raise _wrong(session_id, "session_id", "an int")
        checked["session_id"] = session_id  # None says that there is none
    return checked


def _names() -> str:
    return ", ".join(sorted(_OPTIONS))


def _wrong(value: Any, name: str, wanted: str) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}: {value!r:.80}")
