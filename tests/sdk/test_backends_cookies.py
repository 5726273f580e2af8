"""Cookies that a server sets and renews, and headers that it may believe."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest

from sojourn import Client
from sojourn.sdk.cookies import browser_identity, read_cookie
from sojourn.sdk.integrations import wsgi
from sojourn.sdk.integrations.request import Joining, Visit

from .from_browsers import cookie_header, get, joined, now_ms, session, wsgi_app

RENEW = Joining(renew=True)
PAGE = {"Accept": "text/html,*/*"}


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
