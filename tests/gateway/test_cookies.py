"""Cookies that the server sets for the JavaScript SDK."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import Any

import pytest

from .conftest import KEY, Answer, Server, basic

OPTIONS = {"maxAge": 31_536_000_000, "path": "/", "domain": ".example.com", "sameSite": "Lax"}
COOKIE = {"name": "rl_anonymous_id", "value": "RS_ENC_v3_ImEi="}


def ask(
    server: Server,
    cookies: Any = (COOKIE,),
    options: Any = OPTIONS,
    origin: str = "https://www.example.com",
    host: str = "example.com",
    key: str = KEY,
    **more: Any,
) -> tuple[Answer, list[str]]:
    data = {"options": options, "cookies": list(cookies)}
    body = json.dumps({"reqType": "setCookies", "workspaceId": "sojourn", "data": data, **more})
    headers = {"Authorization": basic(key), "Origin": origin, "Host": host}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    with closing(connection):
        connection.request("POST", "/rsaRequest", body, headers)
        response = connection.getresponse()
        answer = Answer(response.status, {}, response.read())
        return answer, response.headers.get_all("set-cookie") or []


def test_cookies_are_set_as_asked(server: Server) -> None:
    answer, cookies = ask(server, [COOKIE, {"name": "rl_user_id", "value": "a b;ü"}])
    assert (answer.status, answer.text) == (200, "ok")
    rest = "; Path=/; Domain=.example.com; Max-Age=31536000; SameSite=Lax"
    assert cookies == [
        "rl_anonymous_id=RS_ENC_v3_ImEi%3D" + rest,
        "rl_user_id=a%20b%3B%C3%BC" + rest,
    ]


def test_secure_and_removal(server: Server) -> None:
    _, cookies = ask(server, [{"name": "rl_trait", "value": ""}], {"secure": True})
    assert cookies == ["rl_trait=; Path=/; Secure; Max-Age=0"]


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("example.com", "https://example.com"),
        ("example.com:8080", "http://shop.example.com:3000"),
        ("data.example.com", "https://example.com"),
        ("localhost:8080", "http://localhost:3000"),
    ],
)
def test_pages_of_the_same_site_may_ask(server: Server, host: str, origin: str) -> None:
    assert ask(server, host=host, origin=origin)[0].status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.com", "https://badexample.com", "null", "", "https://com", "//["]
)
def test_pages_of_other_sites_may_not(server: Server, origin: str) -> None:
    answer, cookies = ask(server, origin=origin)
    assert (answer.status, cookies) == (403, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"cookies": [{"name": "session", "value": "x"}]},
        {"cookies": [{"name": "rl_a; Domain=x", "value": "x"}]},
        {"cookies": [{"name": "rl_a", "value": 5}]},
        {"cookies": [{"name": "rl_a", "value": "x" * 5000}]},
        {"cookies": [COOKIE] * 31},
        {"cookies": [1]},
        {"options": {"path": "/; Domain=evil.com"}},
        {"options": {"domain": "a\r\nSet-Cookie: x=y"}},
        {"options": {"maxAge": "x"}},
        {"options": []},
        {"reqType": "other"},
        {"data": None},
    ],
)
def test_what_is_no_cookie_of_the_sdk_is_refused(server: Server, wrong: dict[str, Any]) -> None:
    answer, cookies = ask(server, **wrong)
    assert (answer.status, cookies) == (400, [])
    assert answer.text.startswith("cookies cannot be set: ")


def test_a_key_is_needed(server: Server) -> None:
    assert ask(server, key="nobody")[0].status == 401
    assert server.request("GET", "/rsaRequest").status == 405
    assert server.post("/rsaRequest", b"{", Origin="http://127.0.0.1").status == 400
