"""Back ends, with the real frameworks: events of a request carry the browser's session."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest

from sojourn import Client, Delivery
from sojourn.sdk.cookies import browser_identity, encode_cookie, read_cookie
from sojourn.sdk.integrations import asgi, wsgi
from sojourn.sdk.integrations.request import Joining, Visit

RENEW = Joining(renew=True)
PAGE = {"Accept": "text/html,*/*"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def session(**more: Any) -> dict[str, Any]:
    now = now_ms()
    return {
        "id": now - 60_000,
        "expiresAt": now + 600_000,
        "timeout": 1_800_000,
        "autoTrack": True,
        "sessionStart": False,
        **more,
    }


def cookie_header(record: Any, user: str = "u-1", encoding: Any = "v3") -> str:
    return "; ".join(
        (
            f"rl_session={encode_cookie(record, encoding)}",
            f"rl_anonymous_id={encode_cookie('anon-1', encoding)}",
            f"rl_user_id={encode_cookie(user, encoding)}",
            'odd={"a": "b"}',
        )
    )


@pytest.fixture
def client(stub: Any) -> Iterator[Client]:
    c = Client("key", stub.url, strict=True, delivery=Delivery(interval=0.01))
    yield c
    c.close()


def joined(event: dict[str, Any]) -> tuple[Any, Any, Any]:
    return event.get("anonymousId"), event.get("userId"), event["context"].get("sessionId")


def get(url: str, **headers: str) -> tuple[str, list[str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=named)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), answer.headers.get_all("Set-Cookie") or []


# WSGI


def wsgi_app(client: Client) -> Callable[..., Any]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        client.track("before")

        def body() -> Iterator[bytes]:
            client.track("streamed")
            yield b"hello"

        start_response("200 OK", [("Content-Type", "text/plain")])
        return body()

    return app


@pytest.fixture
def serve_wsgi() -> Iterator[Callable[[Any], str]]:
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    servers = []

    def serve(app: Any) -> str:
        server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


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


# Django


@pytest.fixture(scope="module")
def django() -> Any:
    module = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=__name__,
            MIDDLEWARE=["sojourn.sdk.integrations.django.Middleware"],
            SECRET_KEY="test",
        )
        module.setup()
    return module


urlpatterns: list[Any] = []


def django_views(client: Client) -> None:
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path

    def plain(request: Any) -> Any:
        client.track("plain")
        return HttpResponse("hi")

    async def asynchronous(request: Any) -> Any:
        client.track("async")
        return HttpResponse("hi")

    def streamed(request: Any) -> Any:
        def parts() -> Iterator[bytes]:
            client.track("streamed")
            yield b"hi"

        return StreamingHttpResponse(parts())

    async def streamed_async(request: Any) -> Any:
        async def parts() -> Any:
            client.track("streamed async")
            yield b"hi"

        return StreamingHttpResponse(parts())

    urlpatterns[:] = [
        path("", plain),
        path("async", asynchronous),
        path("streamed", streamed),
        path("streamed-async", streamed_async),
    ]


def test_django_requests_join(django: Any, stub: Any, client: Client) -> None:
    from django.conf import settings
    from django.test import Client as Browser

    settings.SOJOURN_CLIENT = client
    django_views(client)
    record = session()
    browser = Browser(HTTP_COOKIE=cookie_header(record))
    for path in ("/", "/async", "/streamed"):
        assert browser.get(path).getvalue() == b"hi"
    assert client.session_id is None
    assert client.flush()
    assert stub.names == ["plain", "async", "streamed"]
    for event in stub.accepted:
        assert joined(event) == ("anon-1", "u-1", record["id"])


async def test_django_joins_under_asgi_and_finds_the_client_by_name(
    django: Any, stub: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings
    from django.test import AsyncClient

    monkeypatch.setattr(sys.modules[__name__], "named", client, raising=False)
    settings.SOJOURN_CLIENT = f"{__name__}.named"
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    django_views(client)
    browser = AsyncClient()
    browser.cookies["rl_user_id"] = encode_cookie("u-1")
    for path in ("/", "/async"):
        assert (await browser.get(path)).content == b"hi"
    response = await browser.get("/streamed-async")
    assert b"".join([part async for part in response]) == b"hi"
    assert await client.aflush()
    assert [e["userId"] for e in stub.accepted] == ["u-1"] * 3


def test_django_sets_cookies_if_told_to(django: Any, client: Client) -> None:
    from django.conf import settings
    from django.test import Client as Browser

    settings.SOJOURN_CLIENT = client
    settings.SOJOURN_JOINING = RENEW
    django_views(client)
    try:
        browser = Browser()
        browser.get("/", headers={"accept": "text/html"})
        header = "; ".join(f"{m.key}={m.coded_value}" for m in browser.cookies.values())
        assert browser_identity(header, now_ms=now_ms()).session_id
        assert browser.cookies["rl_session"]["samesite"] == "Lax"
        assert not browser.cookies["rl_session"]["httponly"]
    finally:
        del settings.SOJOURN_JOINING


# Celery


def _no_logging(**_: Any) -> None:
    """Keeps the worker from setting up the logging of this process."""


def test_celery_tasks_carry_the_session_of_their_sender(stub: Any, client: Client) -> None:
    celery = pytest.importorskip("celery")
    from celery.contrib.testing.worker import start_worker

    from sojourn.sdk.integrations.celery import install

    celery.signals.setup_logging.connect(_no_logging, weak=False)
    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    remove = install(client)

    @app.task
    def work(name: str) -> Any:
        client.track(name)
        return client.session_id

    try:
        with start_worker(app, perform_ping_check=False, loglevel="critical", pool="solo"):
            with client.scope(user_id="u", anonymous_id="a", session_id=1234567890):
                assert work.delay("joined").get(timeout=10) == 1234567890
                assert work.apply(args=("eager",)).get() == 1234567890
            assert client.session_id is None
    finally:
        remove()
    assert client.flush()
    assert sorted(stub.names) == ["eager", "joined"]
    for event in stub.accepted:
        assert joined(event) == ("a", "u", 1234567890)


# Cookies and headers


def visit(client: Client, joining: Joining, **headers: str) -> Visit:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Visit(client, joining, lambda n: named.get(n.lower()), "https://x.org/a", now_ms())


def set_by(v: Visit) -> dict[str, Any]:
    jar: SimpleCookie = SimpleCookie()
    for header in v.set_cookie_headers():
        jar.load(header)
    header = "; ".join(f"{morsel.key}={morsel.coded_value}" for morsel in jar.values())
    return {name: read_cookie(header, name) for name in jar}


def test_a_site_without_the_javascript_sdk_gets_sessions_from_its_server(
    stub: Any, client: Client, serve_wsgi: Any
) -> None:
    url = serve_wsgi(wsgi.Middleware(wsgi_app(client), client, RENEW))
    _, first = get(url, **PAGE)
    header = "; ".join(text.split(";")[0] for text in first)
    who = browser_identity(header, now_ms=now_ms())
    assert who.anonymous_id
    assert who.session_id
    get(url, Cookie=header, **PAGE)
    assert client.flush()
    assert {joined(event) for event in stub.accepted} == {(who.anonymous_id, None, who.session_id)}
    assert ["sessionStart" in event["context"] for event in stub.accepted] == [True] + [False] * 3
    assert all("Max-Age=31536000" in text and "HttpOnly" not in text for text in first)


@pytest.mark.parametrize("encoding", ["v3", "legacy"])
def test_cookies_are_renewed_as_they_were_encoded(client: Client, encoding: Any) -> None:
    record = session(cutOff={"enabled": True, "duration": 5, "expiresAt": now_ms() + 10**7})
    v = visit(client, RENEW, Cookie=cookie_header(record, encoding=encoding), **PAGE)
    with v.scope:
        client.track("E")
        assert client.session_id == record["id"]
    cookies = set_by(v)
    assert {name: cookie.encoding for name, cookie in cookies.items()} == dict.fromkeys(
        ("rl_session", "rl_anonymous_id", "rl_user_id"), encoding
    )
    renewed = cookies["rl_session"].value
    assert renewed["id"] == record["id"]
    assert renewed["expiresAt"] > record["expiresAt"]
    assert cookies["rl_anonymous_id"].value == "anon-1"


def test_identify_and_reset_on_the_server_reach_the_cookies(client: Client) -> None:
    v = visit(client, RENEW, Cookie=cookie_header(session(), user=""), **PAGE)
    with v.scope:
        client.identify("new")
    assert set_by(v)["rl_user_id"].value == "new"
    assert client.user_id is None
    with v.scope:
        assert client.user_id == "new"
        before = (client.anonymous_id, client.session_id)
        client.reset(anonymous_id=True)
        assert client.user_id is None
        assert client.anonymous_id != before[0]
        assert client.start_session(1234567890) == 1234567890
    cookies = set_by(v)
    assert "rl_user_id" not in cookies or cookies["rl_user_id"].value is None
    assert cookies["rl_session"].value["id"] == 1234567890


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"Accept": "text/html", "Sec_Fetch_Dest": "empty"},
        {"Sec_Fetch_Dest": "script"},
        {},
    ],
)
def test_requests_for_data_set_no_cookies_and_are_joined(
    client: Client, headers: dict[str, str]
) -> None:
    record = session()
    v = visit(client, RENEW, Cookie=cookie_header(record), **headers)
    assert v.set_cookies() == []
    with v.scope:
        assert client.session_id == record["id"]


def test_cookies_have_the_domain_that_was_asked_for(client: Client) -> None:
    v = visit(client, RENEW._replace(domain=".x.org", secure=True), **PAGE)
    assert all("; Domain=.x.org; SameSite=Lax; Secure" in text for text in v.set_cookie_headers())


def test_headers_are_believed_only_if_told_to(stub: Any, client: Client) -> None:
    sent = {
        "Sojourn_Anonymous_Id": "a",
        "Sojourn_User_Id": "u",
        "Sojourn_Session_Id": "1234567890",
        "X_Forwarded_For": "1.2.3.4, 5.6.7.8",
    }
    assert visit(client, Joining(), **sent).scope.anonymous_id is None
    believing = Joining(headers=True, ip_header="X-Forwarded-For")
    v = visit(client, believing, **sent)
    with v.scope:
        client.track("E")
    assert client.flush()
    assert joined(stub.accepted[0]) == ("a", "u", 1234567890)
    assert stub.accepted[0]["context"]["ip"] == "1.2.3.4"
    v = visit(client, believing, **{**sent, "Sojourn_Session_Id": "12345"})
    assert v.scope.session_id is None
    v = visit(client, believing, Cookie=cookie_header(session()), **sent)
    assert v.scope.anonymous_id == "anon-1"
