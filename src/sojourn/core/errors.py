"""The errors of Sojourn: one small tree. The docstring of a class is its message.

`Transient` may pass by itself, so the caller tries again; `Terminal` will not.
"""

from __future__ import annotations


class SojournError(Exception):
    """Something in Sojourn went wrong."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        name = type(self).__name__  # under `python -OO` there are no docstrings
        summary = (type(self).__doc__ or name).strip().splitlines()[0].rstrip(".")
        super().__init__(f"{summary}: {detail}" if detail else summary)


class Transient(SojournError):
    """It may work if tried again."""


class Terminal(SojournError):
    """It cannot work as it is."""


class LogUnavailable(Transient):
    """The event log could not be written."""


class WarehouseUnavailable(Transient):
    """The warehouse could not be reached."""


class DestinationUnavailable(Transient):
    """The destination could not be reached."""


class InvalidSettings(Terminal):
    """Not usable as given."""


class InvalidEvent(Terminal):
    """The event cannot be processed."""


class DataDirectoryInUse(Terminal):
    """Another Sojourn is using the data directory."""


class MissingPart(Terminal):
    """A part of Sojourn that this needs is not installed."""
