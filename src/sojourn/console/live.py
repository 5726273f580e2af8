"""What happens now: pages, and streams of server-sent events that renew a part of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sojourn.console import lenses
from sojourn.console.asking import Asked, Asker, query_of
from sojourn.console.pages import Pages
from sojourn.console.server_pages import RecentEvents

BEAT_S = 15.0
"""How often a quiet stream says that it is alive, seconds."""


class Live:
    """Handlers of `/live`, and of the streams; however many readers, a report runs once a turn."""

    def __init__(
        self, pages: Pages, asker: Asker, recent_events: RecentEvents, interval_s: float
    ) -> None:
        self._pages = pages
        self._asker = asker
        self._recent_events = recent_events
        self._interval_s = interval_s
        self._stopping = asyncio.Event()

    async def page(self, request: Request) -> Response:
        """The sessions now; a script renews them."""
        return self._pages.page(request, "live.html", **_shown(await self._now(request)))

    async def sessions_stream(self, request: Request) -> Response:
        """The part `live` of the page, whenever it has changed."""

        async def render() -> str:
            shown = _shown(await self._now(request))
            return self._pages.text(request, "live_part.html", **shown)

        return self._stream("live", render)

    async def events_stream(self, request: Request) -> Response:
        """The part `recent` of the page of the sources: the last events as they arrive."""

        async def render() -> str:
            recent = list(self._recent_events())
            return self._pages.text(request, "recent_part.html", recent=recent)

        return self._stream("recent", render)

    def stop(self) -> None:
        """End all streams, so that a server can stop without waiting for its readers."""
        self._stopping.set()

    def _stream(self, name: str, render: Callable[[], Awaitable[str]]) -> Response:
        headers = {"X-Accel-Buffering": "no"}
        parts = self._parts(name, render)
        return StreamingResponse(parts, 200, headers, "text/event-stream")

    async def _parts(self, name: str, render: Callable[[], Awaitable[str]]) -> AsyncIterator[bytes]:
        sent, quiet_since = "", time.monotonic()
        yield b"retry: 2000\n\n"
        while not self._stopping.is_set():
            html = await render()
            if html != sent:
                sent, quiet_since = html, time.monotonic()
                data = msgspec.json.encode({"name": name, "html": html})
                yield b"event: part\ndata: " + data + b"\n\n"
            elif time.monotonic() - quiet_since > BEAT_S:
                quiet_since = time.monotonic()
                yield b": still here\n\n"
            try:
                async with asyncio.timeout(self._interval_s):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    async def _now(self, request: Request) -> Asked:
        return await self._asker.ask_once("live", query_of(request), self._interval_s / 2)


def _shown(asked: Asked) -> dict[str, Any]:
    sessions = lenses.sessions(asked)
    return {
        "asked": [asked],
        "sessions": sessions,
        "total": asked.extra.get("total", len(sessions)),
        "minutes": lenses.minutes(asked),
    }
