"""Which destinations there are: ours, and those that installed packages bring.

A package offers a destination by an entry point of the group `sojourn.destinations` whose name
is the `type` in `sojourn.toml` and whose object is a class with `from_settings(mapping)`, or a
function of the settings, that gives a `sojourn.core.ports.Destination`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Destination
from sojourn.destinations.options import Option

GROUP = "sojourn.destinations"

_OURS = {
    "amplitude": ("sojourn.destinations.amplitude", "Amplitude"),
    "mixpanel": ("sojourn.destinations.mixpanel", "Mixpanel"),
    "webhook": ("sojourn.destinations.webhook", "Webhook"),
    "transformer": ("sojourn.destinations.transformer", "Transformer"),
}


def available() -> list[str]:
    """The types there are, sorted."""
    return sorted({*_OURS, *(one.name for one in entry_points(group=GROUP))})


def build(kind: str, settings: Mapping[str, Any]) -> Destination:
    """The destination of a type with its settings (secrets resolved).

    Raises `InvalidSettings` naming the field and the fix.
    """
    made: Destination = _maker(kind)(settings)
    return made


def options_of(kind: str) -> Sequence[Option]:
    """The settings of one of our types, for documentation and to know what is secret."""
    return import_module(_OURS[kind][0]).OPTIONS if kind in _OURS else ()


def _maker(kind: str) -> Callable[[Mapping[str, Any]], Any]:
    if kind in _OURS:
        module, name = _OURS[kind]
        found = getattr(import_module(module), name)
    else:
        points = {one.name: one for one in entry_points(group=GROUP)}
        if kind not in points:
            close = difflib.get_close_matches(kind, available(), 1)
            fix = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(available())}"
            raise InvalidSettings(f"there is no destination of type `{kind}`; {fix}")
        try:
            found = points[kind].load()
        except Exception as error:
            raise InvalidSettings(
                f"the destination `{kind}` cannot be loaded: {type(error).__name__}: {error}"
            ) from error
    maker: Callable[[Mapping[str, Any]], Any] = getattr(found, "from_settings", found)
    return maker
