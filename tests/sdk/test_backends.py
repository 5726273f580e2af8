"""Back ends, with the real frameworks: events of a request carry the browser's session."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sojourn import Client
from sojourn.sdk.cookies import encode_cookie
from sojourn.sdk.integrations import asgi, wsgi

from .from_browsers import cookie_header, get, joined, now_ms, session, wsgi_app

# WSGI


@pytest.mark.parametrize("encoding", ["v3", "legacy", "plain"])
def test_wsgi_events_join_the_session_of_the_cookies(
    stub: Any, client: Client, serve_wsgi: Any, encoding: str
) -> None:
    url = serve_wsgi(wsgi.Middleware(wsgi_app(client), client))
    record = session()
    text, set_cookies = get(
        url + "/a/b?c=d", Cookie=cookie_header(record, encoding=encoding), User_Agent="UA/1"
    )
    assert text == "hello"
    assert set_cookies == []
    assert client.flush()
    assert stub.names == ["before", "streamed"]
    for event in stub.accepted:
        assert joined(event) == ("anon-1", "u-1", record["id"])
        assert "sessionStart" not in event["context"]
        assert event["context"]["userAgent"] == "UA/1"
        assert event["context"]["page"] == {
            "url": url + "/a/b?c=d",
            "path": "/a/b",
            "search": "?c=d",
        }


def test_an_expired_session_is_no_session(stub: Any, client: Client, serve_wsgi: Any) -> None:
    url = serve_wsgi(wsgi.Middleware(wsgi_app(client), client))
    get(url, Cookie=cookie_header(session(expiresAt=now_ms() - 1)))
    assert client.flush()
    assert joined(stub.accepted[0]) == ("anon-1", "u-1", None)


def test_a_wsgi_scope_ends_with_the_response(client: Client) -> None:
    app = wsgi.Middleware(wsgi_app(client), client)
    environ = {"HTTP_COOKIE": cookie_header(session()), "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    body = app(environ, lambda status, headers: lambda data: None)
    assert client.session_id is not None
    assert b"".join(body) == b"hello"
    assert client.session_id is not None
    body.close()  # type: ignore[attr-defined]
    assert client.session_id is None


def test_a_wsgi_scope_ends_with_an_exception(client: Client) -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise RuntimeError("the program's own")

    app = wsgi.Middleware(broken, client)
    with pytest.raises(RuntimeError):
        app({"HTTP_COOKIE": cookie_header(session())}, lambda *a: lambda data: None)
    assert client.session_id is None


# ASGI and Starlette


@pytest.fixture
def serve_asgi() -> Iterator[Callable[[Any], str]]:
    import uvicorn

    running: list[tuple[Any, threading.Thread]] = []

    def serve(app: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", lifespan="auto")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        running.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


def test_starlette_requests_tasks_and_threads_join(
    stub: Any, client: Client, serve_asgi: Any
) -> None:
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from sojourn.sdk.integrations.starlette import Middleware

    async def hello(request: Any) -> PlainTextResponse:
        client.track("async")
        await asyncio.create_task(inner())
        return PlainTextResponse("hi", background=BackgroundTask(client.track, "background"))

    async def inner() -> None:
        client.track("task")

    def threaded(request: Any) -> PlainTextResponse:
        client.track("thread")
        return PlainTextResponse("hi")

    app = Starlette(routes=[Route("/", hello), Route("/thread", threaded)])
    app.add_middleware(Middleware, client=client)
    url = serve_asgi(app)
    record = session()
    get(url, Cookie=cookie_header(record))
    get(url + "/thread", Cookie=cookie_header(record))
    get(url, Cookie="rl_anonymous_id=" + encode_cookie("anon-2"))
    deadline = time.monotonic() + 5
    while len(stub.accepted) < 7 and time.monotonic() < deadline:
        client.flush(1)
    assert sorted(stub.names) == sorted(["async", "task", "background"] * 2 + ["thread"])
    for event in stub.accepted[:4]:
        assert joined(event) == ("anon-1", "u-1", record["id"])
    for event in stub.accepted[4:]:
        assert joined(event) == ("anon-2", None, None)


async def test_asgi_joins_split_cookies_and_leaves_lifespan_alone(
    stub: Any, client: Client
) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        if scope["type"] == "websocket":
            client.track("socket")

    middleware = asgi.Middleware(app, client)
    await middleware({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    first, _, rest = cookie_header(session()).partition("; ")
    headers = [(b"cookie", first.encode()), (b"cookie", rest.encode()), (b"host", b"x")]
    scope = {"type": "websocket", "headers": headers, "path": "/ws", "scheme": "wss"}
    await middleware(scope, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan", "websocket"]
    assert await client.aflush()
    assert stub.accepted[0]["userId"] == "u-1"
    assert stub.accepted[0]["context"]["page"]["url"] == "https://x/ws"


# Flask


def test_flask_requests_join_also_with_repeated_cookies(stub: Any, client: Client) -> None:
    flask = pytest.importorskip("flask")
    from sojourn.sdk.integrations.flask import init_app

    app = flask.Flask("shop")
    init_app(app, client)

    @app.get("/")
    def home() -> str:
        flask.current_app.extensions["sojourn"].track("home")
        return "hi"

    record = session()
    header = f"rl_user_id={encode_cookie('first')}; {cookie_header(record)}"
    with app.test_client(use_cookies=False) as browser:
        browser.get("/", headers={"Cookie": header}).close()
    assert client.session_id is None
    assert client.flush()
    assert joined(stub.accepted[0]) == ("anon-1", "u-1", record["id"])
