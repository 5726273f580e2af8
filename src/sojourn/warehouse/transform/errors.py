"""What can be wrong with an event on its way into tables."""

from __future__ import annotations

from sojourn.core.errors import InvalidEvent


class UnusableEvent(InvalidEvent):
    """The event cannot be turned into rows."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status
        """As RudderStack answers: 400 the event's fault, 500 a context that is no object."""
