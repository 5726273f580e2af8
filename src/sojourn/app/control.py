"""What the CLI asks of a running server: exports, reports, SQL, status. Guarded by a token.

The token stands in the data directory (`serve.json`, readable by its owner alone), so whoever
can read the data can ask the server for it.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sojourn.app.administration import Administration
from sojourn.app.definition import Definition
from sojourn.app.erasure.erasures import Erasures
from sojourn.app.erasure.jobs import Order
from sojourn.app.importing.order import ImportOrder, Progress
from sojourn.app.questions import Questions
from sojourn.core.errors import SojournError

Handler = Callable[[Request], Awaitable[Response]]


class TokenGuard:
    """Lets a request through that carries the token; every other one gets 403."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the `Authorization` header in constant time."""
        given = Request(scope).headers.get("authorization", "") if scope["type"] == "http" else ""
        if hmac.compare_digest(given.encode(), self._expected.encode()):
            await self._app(scope, receive, send)
        else:
            await Response("this call needs the token of the data folder\n", 403)(
                scope, receive, send
            )


def control_app(
    questions: Questions, administration: Administration, erasures: Erasures, token: str
) -> Starlette:
    """The control calls as an ASGI app; mount it at `/control`."""

    async def report(request: Request) -> Response:
        name = request.path_params["name"]
        return _json(await run_in_threadpool(questions.report, name, dict(request.query_params)))

    async def reports(_: Request) -> Response:
        return _json(await run_in_threadpool(questions.reports))

    async def export(request: Request) -> Response:
        lines = questions.export(request.path_params["kind"])
        return StreamingResponse(_joined(lines), media_type="application/x-ndjson")

    async def sql(request: Request) -> Response:
        statement = (await request.body()).decode("utf-8", "replace")
        return _json(await run_in_threadpool(questions.sql, statement))

    async def status(_: Request) -> Response:
        return _json(await questions.status())

    async def redefine(request: Request) -> Response:
        query = dict(request.query_params)
        apply = query.pop("apply", "") == "yes"
        return _json(await run_in_threadpool(questions.redefine, Definition(**query), apply))

    async def dead_letters(request: Request) -> Response:
        query = request.query_params
        return _json(await questions.dead_letters(query.get("stage", ""), query.get("id", "")))

    async def replay(request: Request) -> Response:
        query = request.query_params
        return _json(await questions.replay(query.get("stage", ""), query.get("id", "")))

    async def administer(request: Request) -> Response:
        given = msgspec.json.decode(await request.body(), type=dict[str, str])
        action = request.path_params["action"]
        return _json(await run_in_threadpool(administration.run, action, given))

    async def import_history(request: Request) -> Response:
        order = msgspec.json.decode(await request.body(), type=ImportOrder)
        lines = _lines(questions.import_history(order))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    return Starlette(
        routes=[
            *_erasure_routes(erasures),
            Route("/import", import_history, methods=["POST"]),
            Route("/administration/{action}", _clear_errors(administer), methods=["POST"]),
            Route("/redefine", _clear_errors(redefine), methods=["POST"]),
            Route("/dead-letters", _clear_errors(dead_letters)),
            Route("/dead-letters/replay", _clear_errors(replay), methods=["POST"]),
            Route("/reports", _clear_errors(reports)),
            Route("/reports/{name}", _clear_errors(report)),
            Route("/export/{kind}", _clear_errors(export)),
            Route("/sql", _clear_errors(sql), methods=["POST"]),
            Route("/status", _clear_errors(status)),
        ],
        middleware=[Middleware(TokenGuard, token=token)],
    )


def _erasure_routes(erasures: Erasures) -> list[Route]:
    """The calls about people to forget."""

    async def preview(request: Request) -> Response:
        order = msgspec.json.decode(await request.body(), type=Order)
        return _json(await erasures.preview(order))

    async def forget(request: Request) -> Response:
        job = erasures.order(msgspec.json.decode(await request.body(), type=Order))
        return StreamingResponse(_lines(erasures.watch(job.id)), media_type="application/x-ndjson")

    async def receipts(_: Request) -> Response:
        return _json(await run_in_threadpool(erasures.receipts))

    return [
        Route("/erasures", _clear_errors(receipts)),
        Route("/erasures", _clear_errors(forget), methods=["POST"]),
        Route("/erasures/preview", _clear_errors(preview), methods=["POST"]),
    ]


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _clear_errors(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except SojournError as error:
            return Response(str(error), 400)

    return answer


async def _lines(progress: AsyncIterator[Progress]) -> AsyncIterator[bytes]:
    """How far something is, a JSON object a line; what stops it is the last line's `error`."""
    try:
        async for one in progress:
            yield msgspec.json.encode(one) + b"\n"
    except SojournError as error:
        yield msgspec.json.encode({"error": str(error)}) + b"\n"


async def _joined(lines: AsyncIterator[bytes], size: int = 1 << 16) -> AsyncIterator[bytes]:
    buffer = bytearray()
    async for line in lines:
        buffer += line
        buffer += b"\n"
        if len(buffer) >= size:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)
