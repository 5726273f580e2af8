"""Sessions as they happen: a page, and a stream of server-sent events that renews it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sojourn.console import lenses
from sojourn.console.asking import Asked, Asker, query_of
from sojourn.console.pages import Pages

BEAT_S = 15.0
"""How often a quiet stream says that it is alive, seconds."""


class Live:
    """Handlers of `/live`. However many readers there are, the report runs once an interval."""

    def __init__(self, pages: Pages, asker: Asker, interval_s: float) -> None:
        self._pages = pages
        self._asker = asker
        self._interval_s = interval_s
        self._stopping = asyncio.Event()
        self._latest: dict[str, tuple[float, asyncio.Task[Asked]]] = {}

    async def page(self, request: Request) -> Response:
        """The sessions now; a script renews them."""
        asked = await self._now(request)
        return self._pages.page(request, "live.html", **_shown(asked))

    async def stream(self, request: Request) -> Response:
        """Server-sent events: the part `live` of the page, whenever it has changed."""
        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(self._parts(request), 200, headers, "text/event-stream")

    def stop(self) -> None:
        """End all streams, so that a server can stop without waiting for its readers."""
        self._stopping.set()

    async def _parts(self, request: Request) -> AsyncIterator[bytes]:
        sent, quiet_since = "", time.monotonic()
        yield b"retry: 2000\n\n"
        while not self._stopping.is_set():
            asked = await self._now(request)
            html = self._pages.text(request, "live_part.html", **_shown(asked))
            if html != sent:
                sent, quiet_since = html, time.monotonic()
                data = msgspec.json.encode({"name": "live", "html": html})
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
        """The report, shared by everybody who asks for the same within half an interval."""
        key = request.url.query
        now = time.monotonic()
        at, task = self._latest.get(key, (0.0, None))
        if task is None or now - at > self._interval_s / 2:
            self._latest = {k: v for k, v in self._latest.items() if now - v[0] < 10}
            task = asyncio.create_task(self._asker.ask("live", query_of(request)))
            self._latest[key] = now, task
        return await asyncio.shield(task)


def _shown(asked: Asked) -> dict[str, Any]:
    sessions = lenses.sessions(asked)
    return {
        "asked": [asked],
        "sessions": sessions,
        "total": asked.extra.get("total", len(sessions)),
        "minutes": lenses.minutes(asked),
    }
