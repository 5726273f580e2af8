"""What a client needs of the place that it runs in: threads, or a browser's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Protocol

if TYPE_CHECKING:
    from sojourn.sdk.options import Stats


class Dispatcher(Protocol):
    """Queues events and delivers them. Times are seconds; `None` waits for as long as it takes."""

    def put(self, event: bytes) -> bool:
        """Queue one event (JSON without its closing brace); False if it was dropped."""
        ...

    def drop(self, reason: str) -> None:
        """Count an event that is not queued at all."""
        ...

    def hurry(self) -> None:
        """Send what waits without delay, and do not wait for it."""
        ...

    def flush(self, timeout: Optional[float]) -> bool:
        """Wait until what is queued now is done with. True if all of it was accepted."""
        ...

    async def aflush(self, timeout: Optional[float]) -> bool:  # noqa: ASYNC109 (a deadline)
        """As `flush`, without holding up the event loop."""
        ...

    def begin_close(self) -> None:
        """Take in nothing more, and send what waits without delay."""
        ...

    def close(self, timeout: Optional[float]) -> bool:
        """Deliver what waits, and end. True if all was accepted."""
        ...

    async def aclose(self, timeout: Optional[float]) -> bool:  # noqa: ASYNC109 (a deadline)
        """As `close`, without holding up the event loop."""
        ...

    def after_fork(self) -> None:
        """In a forked child: share nothing with the parent."""
        ...

    def stats(self) -> Stats:
        """The counts at this moment."""
        ...


class PageInfo(Protocol):
    """What a web page knows about itself."""

    def context(self) -> dict[str, Any]:
        """What goes into `context` of every event: page, screen, locale, user agent."""
        ...

    def properties(self) -> dict[str, Any]:
        """What goes into the properties of a `page` event."""
        ...
