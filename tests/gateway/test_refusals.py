"""Every row of the table of failures: status, text, headers, and nothing stored."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest

from sojourn.gateway import Limits
from sojourn.testing.log_suite import ManualClock

from .conftest import KEY, SOURCES, Server, basic, serving
from .refused import GOOD, ZIPPED, assert_refused

TYPED = ["identify", "track", "page", "screen", "group", "alias", "merge"]


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip",
        b"",
        ZIPPED[:-1],
        ZIPPED[:12],
        ZIPPED[:-8] + b"\0" * 8,
        ZIPPED + b"junk",
        GOOD,
    ],
)
def test_gzip_that_cannot_be_read_is_the_clients_mistake(server: Server, body: bytes) -> None:
    answer = server.post("/v1/track", body, Content_Encoding="gzip")
    assert_refused(server, answer, 400, "failed to read body from request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"anonymousId":"a"',
        b'{"anonymousId":"a"} x',
        b"{'anonymousId':'a'}",
        b'{"anonymousId":"a",}',
        b'{"anonymousId":"a","n":NaN}',
        b'{"anonymousId":"a","n":Infinity}',
        b'{"anonymousId":"a","n":01}',
        b'{"anonymousId":"a","n":.5}',
        b'{"anonymousId":"a" /* no */}',
        b'{"anonymousId":"a","t":"\n"}',
        b'{"anonymousId":"a","t":"\x00"}',
        b'{"anonymousId":"a","t":"\\x"}',
        b'{"anonymousId":"a","t":"\\ud8"}',
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        ZIPPED,
        b"\x00" * 1000,
        b'{"anonymousId":"a","n":1e400}',
        b'{"anonymousId":"a","n":[-1E+400 ]}',
        b'{"anonymousId":"a","n":' + b"9" * 5000 + b"}",
        b'{"anonymousId":"a","n":' + b"9" * 400 + b"}",
        b'{"anonymousId":"a","n":-' + b"9" * 310 + b"}",
        b'{"anonymousId":"a","n":' + b"9" * 250 + b"e99}",
        b'{"anonymousId":"a","n":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"anonymousId":"a","n":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 3_000_000,
    ],
)
@pytest.mark.parametrize("endpoint", ["track", "batch"])
def test_what_is_not_json(server: Server, endpoint: str, body: bytes) -> None:
    if endpoint == "batch" and body[:1] == b"{":
        body = b'{"batch":[' + body + b"]}"
    assert_refused(server, server.post(f"/v1/{endpoint}", body), 400, "invalid json")


@pytest.mark.parametrize("endpoint", TYPED)
def test_a_typed_endpoint_refuses_a_list(server: Server, endpoint: str) -> None:
    answer = server.post(f"/v1/{endpoint}", b'[{"userId":"u"}]')
    assert_refused(server, answer, 400, "event is not a valid rudder event")


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"true"])
def test_a_typed_endpoint_finds_no_id_in_what_is_no_object(server: Server, body: bytes) -> None:
    answer = server.post("/v1/track", body)
    assert_refused(server, answer, 400, "request neither has anonymousId nor userId")


@pytest.mark.parametrize("member", [b"null", b"1", b'"x"', b"[]", b'[{"userId":"u"}]'])
def test_a_batch_member_that_is_no_object(server: Server, member: bytes) -> None:
    answer = server.post("/v1/batch", b'{"batch":[{"userId":"u"},' + member + b"]}")
    assert_refused(server, answer, 400, "event is not a valid rudder event")


NAMELESS = [
    b"{}",
    b'{"event":"x"}',
    b'{"anonymousId":""}',
    b'{"anonymousId":null,"userId":null}',
    b'{"anonymousId":"  ","userId":"\\u200b\\u0000"}',
    b'{"userId":"\\n\\t"}',
    b'{"AnonymousId":"a"}',
    b'{"context":{"traits":{"anonymousId":"a"}}}',
    b'{"anonymousId":"a","anonymousId":""}',
]


@pytest.mark.parametrize("event", NAMELESS)
@pytest.mark.parametrize("endpoint", [*TYPED, "batch", "import"])
def test_an_event_without_an_id(server: Server, endpoint: str, event: bytes) -> None:
    if endpoint in ("batch", "import"):
        event = b'{"batch":[{"userId":"first"},' + event + b"]}"
    answer = server.post(f"/v1/{endpoint}", event)
    assert_refused(server, answer, 400, "request neither has anonymousId nor userId")


def test_the_first_failing_event_decides_the_text(server: Server) -> None:
    nameless_first = server.post("/v1/batch", b'{"batch":[{},1]}')
    assert_refused(server, nameless_first, 400, "request neither has anonymousId nor userId")
    other_first = server.post("/v1/batch", b'{"batch":[1,{}]}')
    assert_refused(server, other_first, 400, "event is not a valid rudder event")


@pytest.mark.parametrize(
    "body", [b"{}", b'{"batch":null}', b'{"batch":[]}', b'{"Batch":[{"userId":"u"}]}', b"null"]
)
@pytest.mark.parametrize("path", ["/v1/batch", f"/beacon/v1/batch?writeKey={KEY}"])
def test_a_batch_of_nothing(server: Server, path: str, body: bytes) -> None:
    assert_refused(server, server.post(path, body), 400, "empty batch payload")


def body_of_size(size: int, event: dict[str, Any]) -> bytes:
    filled = {**event, "x": ""}
    missing = size - len(json.dumps(filled, separators=(",", ":")))
    return json.dumps({**filled, "x": "x" * missing}, separators=(",", ":")).encode()


LIMIT = 4_096_000
WRAPPER = len('{"batch":[]}')


@pytest.mark.parametrize(
    ("path", "event", "added"),
    [
        ("/v1/batch", {"batch": [{"userId": "u"}]}, 0),
        ("/v1/track", {"userId": "u", "type": "track"}, WRAPPER),
        ("/v1/track", {"userId": "u"}, WRAPPER + len(',"type":"track"')),
    ],
)
def test_exactly_the_limit_passes_and_a_byte_more_does_not(
    server: Server, path: str, event: dict[str, Any], added: int
) -> None:
    too_much = body_of_size(LIMIT - added + 1, event)
    assert_refused(server, server.post(path, too_much), 413, "request size exceeds max limit")
    zipped = server.post(path, gzip.compress(too_much, 1), Content_Encoding="gzip")
    assert_refused(server, zipped, 413, "request size exceeds max limit")
    assert server.post(path, body_of_size(LIMIT - added, event)).status == 200


def test_identity_is_judged_before_size(server: Server) -> None:
    answer = server.post("/v1/batch", body_of_size(LIMIT + 1000, {"batch": [{"event": "x"}]}))
    assert_refused(server, answer, 400, "request neither has anonymousId nor userId")


def test_size_is_judged_before_emptiness(server: Server) -> None:
    answer = server.post("/v1/batch", body_of_size(LIMIT + 1000, {"batch": []}))
    assert_refused(server, answer, 413, "request size exceeds max limit")


@pytest.mark.parametrize("level", [1, 6])
def test_a_gzip_bomb_is_refused_quickly(server: Server, level: int) -> None:
    bomb = gzip.compress(b" " * 50_000_000, level)
    answer = server.request(
        "POST",
        "/v1/track",
        bomb,
        {"Authorization": basic(KEY), "Content-Encoding": "gzip"},
        timeout=1,
    )
    assert_refused(server, answer, 413, "request size exceeds max limit")


def test_a_body_far_above_the_limit_is_refused_without_reading_it(server: Server) -> None:
    with server.socket(timeout=2) as connection:
        head = f"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(KEY)}\r\n"
        connection.sendall(head.encode() + b"Content-Length: 9000000000\r\n\r\n{")
        assert b" 413 " in connection.recv(4096)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/beacon/v1/batch"])
def test_another_method_on_an_event_route(server: Server, path: str, method: str) -> None:
    answer = server.request(method, path)
    assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "POST")


@pytest.mark.parametrize("path", ["/health", "/version", "/sourceConfig", "/pixel/v1/page"])
def test_another_method_on_a_get_route(server: Server, path: str) -> None:
    for method in ("POST", "HEAD"):
        answer = server.request(method, path)
        assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "GET")


@pytest.mark.parametrize("path", ["/v1/track/", "//v1/track", "/v1", "/v1/record", "/nothing"])
def test_an_unknown_path(server: Server, path: str) -> None:
    assert_refused(server, server.post(path, GOOD), 404, "404 page not found")


def test_more_events_than_the_source_may_send() -> None:
    with serving(limits=Limits(events_per_minute=10)) as server:
        eight = b'{"batch":[' + b",".join([b'{"userId":"u"}'] * 8) + b"]}"
        assert server.post("/v1/batch", eight).status == 200
        answer = server.post("/v1/batch", eight)
        assert (answer.status, answer.text) == (429, "max requests limit reached\n")
        assert server.post("/v1/track", GOOD).status == 200, "what still fits is taken"
        assert server.post("/v1/batch", eight, "kéy✓").status == 200, "another source"
        assert len(server.stored()) == 3
        assert server.app.stats.refused == {"rate_limited": 1}


def test_the_rate_limit_is_judged_after_identity_and_before_size() -> None:
    with serving(limits=Limits(events_per_minute=1)) as server:
        assert server.post("/v1/track", GOOD).status == 200
        assert server.post("/v1/track", b"{}").status == 400
        too_large = body_of_size(LIMIT + 1000, {"userId": "u"})
        assert server.post("/v1/track", too_large).status == 429


def test_the_rate_limit_leaks() -> None:
    from sojourn.gateway.limits import LeakyBucket

    clock = ManualClock()
    bucket = LeakyBucket(60, clock.now)
    assert bucket.take(60, clock.now)
    assert not bucket.take(1, clock.now)
    clock.now += 1000
    assert bucket.take(1, clock.now)
    assert not bucket.take(1, clock.now)
    clock.now += 60_000
    assert bucket.take(500, clock.now), "a request above the limit passes when all is quiet"
    clock.now -= 10_000
    assert not bucket.take(1, clock.now), "a clock that goes back gives nothing"


def test_refusals_are_counted_by_reason() -> None:
    with serving() as server:
        server.post("/v1/track", GOOD, "nobody")
        server.post("/v1/track", GOOD, None)
        server.post("/v1/track", b"{}")
        server.post("/v1/track", b"{}")
        server.post("/v1/batch", b'{"batch":[{"userId":"u"},{"userId":"v"}]}')
        stats = server.app.stats
        assert stats.refused == {"unknown_write_key": 1, "no_write_key": 1, "nameless_event": 2}
        assert (stats.requests, stats.events, stats.active) == (1, 2, 0)


def test_no_text_of_a_refusal_tells_a_secret(server: Server) -> None:
    for path in ("/v1/track", "/sourceConfig"):
        text = server.post(path, GOOD, "wrong").text
        assert not re.search("|".join(map(re.escape, SOURCES)), text)
