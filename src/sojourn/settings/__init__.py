"""The settings: one list with name, type, default and help; read once, at start.

`load(path, environ, overrides)` gives a `Configuration`; nothing else reads the environment.
"""

from sojourn.settings.configuration import (
    Configuration,
    DestinationSettings,
    load,
    resolve_secret,
)
from sojourn.settings.durations import format_duration, parse_duration
from sojourn.settings.options import OPTIONS, Option
from sojourn.settings.sizes import format_size

__all__ = [
    "OPTIONS",
    "Configuration",
    "DestinationSettings",
    "Option",
    "format_duration",
    "format_size",
    "load",
    "parse_duration",
    "resolve_secret",
]
