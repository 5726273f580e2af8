"""A far end for tests: a real HTTP server on a loopback port that records and answers as told."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

__all__ = ["Answer", "Seen", "StubFarEnd"]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    raw: bytes
    """The body, inflated."""

    @property
    def body(self) -> Any:
        """The body parsed: JSON, or a form whose values are parsed where they are JSON."""
        if "form" in self.headers.get("content-type", ""):
            return {name: _json_or_text(value) for name, value in parse_qsl(self.raw.decode())}
        return _json_or_text(self.raw.decode())


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


@dataclass(frozen=True)
class Answer:
    """What the server answers. `fault` is `reset` (no answer) or `partial` (half of one)."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before the answer."""
    fault: str = ""


class StubFarEnd:
    """Use as `async with StubFarEnd() as far:`; requests go to `far.url`, and are in `far.seen`.

    `answer` decides about each request; it may be changed at any time.
    """

    def __init__(self, answer: Callable[[Seen], Answer] = lambda seen: Answer()) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.url = ""
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        seen = Seen(request.method, request.path, dict(request.query), headers, raw)
        self.seen.append(seen)
        answer = self.answer(seen)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.fault:
            return await self._fault(request, answer)
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        return web.Response(status=answer.status, text=body, headers=dict(answer.headers))

    async def _fault(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers={"Content-Length": "1000"})
        if answer.fault == "partial":
            await response.prepare(request)
            await response.write(b"{")
        if request.transport is not None:
            request.transport.abort()
        return response
