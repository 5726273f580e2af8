"""Cookies that a server sets and renews, and headers that it may believe."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest

from sojourn import Client, Delivery
from sojourn.sdk.cookies import browser_identity, encode_cookie, read_cookie
from sojourn.sdk.integrations import wsgi
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
