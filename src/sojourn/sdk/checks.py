"""What callers give is checked before anything changes: each error names the argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from sojourn.sdk.wire import dumps, escape


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
    """The options of a call, ids as texts, without those that are `None`. Raises `TypeError`.

    A `session_id` of `None` stays: it says that there is no session.
    """
    checked: dict[str, Any] = {}
    for name, value in given.items():
        check = _OPTIONS.get(name)
        if check is None:
            raise TypeError(f"no option {name}: there are {', '.join(sorted(_OPTIONS))}")
        if value is not None:
            checked[name] = value if type(value) is str is check else _checked(name, value, check)
        elif name == "session_id":
            checked[name] = None
    return checked


_OPTIONS: dict[str, Any] = {
    "user_id": str,
    "anonymous_id": str,
    "session_id": int,
    "context": Mapping,
    "integrations": Mapping,
    "timestamp": "timestamp",  # whatever has this method
    "message_id": str,
}


def _checked(name: str, value: Any, check: Any) -> Any:
    if name in ("user_id", "anonymous_id"):
        return identifier(value, name)
    if check == "timestamp":
        if not hasattr(value, check):
            raise _wrong(value, name, "a datetime")
    elif not isinstance(value, check) or isinstance(value, bool):
        wanted = {str: "a str", int: "an int"}.get(check, "a mapping")
        raise _wrong(value, name, wanted)
    return value


def _wrong(value: Any, name: str, wanted: str) -> TypeError:
    return TypeError(f"{name} must be {wanted}, not {type(value).__name__}: {value!r:.80}")
