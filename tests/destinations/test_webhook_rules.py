"""The one request of a webhook, rule by rule: one thing changed, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.destinations.request import Request, Response
from sojourn.destinations.webhook import Webhook

URL = "https://hooks.example/in"


def event(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seat Booked", "messageId": "m", **more}


def request(given: Mapping[str, Any], **config: Any) -> Request:
    (one,) = Webhook({"webhookUrl": URL, **config}).requests(given)
    return one


def body(given: Mapping[str, Any], **config: Any) -> Any:
    made = request(given, **config)
    assert made.body is not None
    return made.body.value


@pytest.mark.parametrize(
    ("method", "sent", "has_body", "has_query"),
    [
        (None, "POST", True, False),
        ("POST", "POST", True, False),
        ("PUT", "PUT", True, False),
        ("PATCH", "PATCH", True, False),
        ("GET", "GET", False, True),
        ("DELETE", "DELETE", False, True),
        ("get", "get", False, False),
        ("post", "post", False, False),
        ("HEAD", "HEAD", False, False),
    ],
)
def test_the_method_says_where_the_event_goes(
    method: Any, sent: str, has_body: bool, has_query: bool
) -> None:
    config = {} if method is None else {"webhookMethod": method}
    made = request(event(properties={"a": 1}), **config)
    assert made.method == sent
    assert (made.body is not None) is has_body
    assert dict(made.headers) == ({"content-type": "application/json"} if has_body else {})
    assert dict(made.query) == ({"a": 1} if has_query else {})


@pytest.mark.parametrize("kind", ["track", "Track", "ping", "identify", "alias"])
def test_any_type_of_event_goes_out_as_it_is(kind: str) -> None:
    given = event(
        type=kind,
        session_id="web:1",
        context={"sessionId": 1718357415.5, "sessionStart": True, "gone": None},
        properties={"a": None, "list": [1, None]},
        nothing=None,
        header={"x": "y"},
        fullPath="https://other.example",
        appendPath="/tail",
    )
    kept = {key: given[key] for key in ("type", "event", "messageId", "session_id")}
    assert body(given) == {**kept, "context": given["context"], "properties": given["properties"]}
    assert given["header"] == {"x": "y"}, "the event stays as it is"


@pytest.mark.parametrize("url", [None, ""])
def test_without_an_address_nothing_can_be_sent(url: Any) -> None:
    with pytest.raises(InvalidSettings):
        request(event(), webhookUrl=url)


@pytest.mark.parametrize(
    ("context", "address", "expected"),
    [
        ({"ip": "192.0.2.1"}, "192.0.2.9", {"ip": "192.0.2.1"}),
        ({"a": 1}, "192.0.2.9", {"a": 1, "ip": "192.0.2.9"}),
        ({"ip": None}, "192.0.2.9", {"ip": "192.0.2.9"}),
        (None, "192.0.2.9", {"ip": "192.0.2.9"}),
        ({"a": 1}, None, {"a": 1}),
        ({"a": 1}, "", {"a": 1}),
    ],
)
def test_a_missing_address_of_the_sender_is_filled_in(
    context: Any, address: Any, expected: Any
) -> None:
    assert body(event(context=context, request_ip=address))["context"] == expected


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("more", "query"),
    [
        (
            {"properties": {"a": {"b": 1}, "list": ["x", {"c": None}], "d": "", "e": False}},
            {"a.b": 1, "list[0]": "x", "list[1].c": None, "d": "", "e": False},
        ),
        ({"properties": {"none": {}, "empty": [], "deep": [[1]]}}, None),
        ({"type": "identify", "traits": {"a": 1}, "properties": {"b": 2}}, {"a": 1}),
        ({"type": "identify", "context": {"traits": {"a": 1}}}, {"a": 1}),
        ({"type": "Identify", "traits": {"a": 1}, "properties": {"b": 2}}, {"b": 2}),
        ({"type": "group", "traits": {"a": 1}}, {}),
        ({}, {}),
    ],
)
def test_a_query_is_flattened(method: str, more: Any, query: Any) -> None:
    found = dict(request(event(**more), webhookMethod=method).query)
    expected = {"none": {}, "empty": [], "deep[0][0]": 1} if query is None else query
    assert found == expected


@pytest.mark.parametrize(
    ("rows", "own", "expected"),
    [
        ([{"from": "X-Key", "to": "k"}], None, {"x-key": "k"}),
        ([{"from": "", "to": "k"}, {"from": " ", "to": "k"}, {"to": "k"}], None, {}),
        ([{"from": "x-none"}], None, {}),
        ([{"from": "A", "to": "1"}, {"from": "a", "to": "2"}], None, {"a": "2"}),
        ([{"from": "Content-Type", "to": "text/plain"}], None, {"content-type": "text/plain"}),
        ([], {"X-Own": "o", "n": 5, "o": {"a": [1]}, "b": True}, None),
        ([{"from": "x-key", "to": "k"}], {"X-Key": "own"}, {"X-Key": "own"}),
        ([], "text", {}),
        ([], None, {}),
    ],
)
def test_later_headers_win(rows: Any, own: Any, expected: Any) -> None:
    given = event() if own is None else event(header=own)
    found = dict(request(given, headers=rows).headers)
    if expected is None:
        expected = {"X-Own": "o", "n": "5", "o": '{"a":[1]}', "b": "true"}
    names = {name.lower() for name in expected}
    default = {} if "content-type" in names else {"content-type": "application/json"}
    assert found == {**default, **expected}


@pytest.mark.parametrize("name", ["webhook", "Webhook", "WebHook", "WEBHOOK"])
@pytest.mark.parametrize(
    ("own", "integration", "url"),
    [
        ({}, {}, URL),
        ({"fullPath": "https://o.example/a"}, {}, "https://o.example/a"),
        ({}, {"fullPath": "https://i.example/a"}, "https://i.example/a"),
        ({"fullPath": "https://o.example"}, {"fullPath": "https://i.example"}, "https://o.example"),
        ({"appendPath": "/x?y=1"}, {"appendPath": "/no"}, f"{URL}/x?y=1"),
        ({}, {"appendPath": "?q"}, f"{URL}?q"),
        ({"fullPath": "https://o.example"}, {"appendPath": "/i"}, "https://o.example/i"),
    ],
)
def test_the_address_may_come_with_the_event(
    name: str, own: Any, integration: Any, url: str
) -> None:
    given = event(integrations={name: integration, "All": True}, **own)
    assert request(given).url == url
    assert request({**given, "integrations": {"Other": integration}}, webhookMethod="GET").url == (
        request({**event(), **own}).url
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "success"),
        (299, "success"),
        (302, "aborted"),
        (404, "aborted"),
        (408, "retryable"),
        (429, "throttled"),
        (500, "retryable"),
        (504, "retryable"),
    ],
)
def test_the_status_says_what_becomes_of_the_event(status: int, outcome: str) -> None:
    hook = Webhook({"webhookUrl": URL})
    assert hook.judge(request(event()), Response(status), []).outcome == outcome
