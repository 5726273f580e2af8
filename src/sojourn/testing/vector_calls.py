"""The arguments of web calls in session vectors, as the JavaScript SDKs take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.core.session import Reset

__all__ = ["call_context", "reset_of"]

_TOP = frozenset(("anonymousId", "integrations", "originalTimestamp"))
"""Options that do not go into the context."""


def call_context(args: Mapping[str, Any]) -> dict[str, Any]:
    """The context that a call's options amount to; what is no object is ignored."""
    options = args.get("options")
    merged = dict(options) if isinstance(options, dict) else {}
    inner = merged.pop("context", None)
    for context in (inner, args.get("context")):
        if isinstance(context, dict):
            merged.update(context)
    return {key: value for key, value in merged.items() if key not in _TOP}


def reset_of(args: Mapping[str, Any], fresh: str, legacy: bool) -> Reset:
    """A `reset` call: its argument is a flag, or options whose entries are flags.

    The legacy SDK takes anything that JavaScript takes for true as the flag; it makes the new
    anonymous id with the next event only.
    """
    argument = args.get("options", args.get("anonymous_id"))
    if legacy:
        return Reset("", isinstance(argument, (dict, list)) or bool(argument))
    if argument is True or argument is False:
        return Reset(fresh, argument)
    entries = argument.get("entries") if isinstance(argument, dict) else None
    if not isinstance(entries, dict):
        entries = {}
    return Reset(
        fresh,
        renew_anonymous_id=entries.get("anonymousId") is True,
        session=entries.get("sessionInfo") is not False,
        user=entries.get("userId") is not False,
    )
