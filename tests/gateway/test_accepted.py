"""What is taken, and what then stands in the raw stream."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from .conftest import KEY, Server, basic, wait_until

TYPED = ["identify", "track", "page", "screen", "group", "alias", "merge"]


def assert_ok(answer: Any) -> None:
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("endpoint", TYPED)
def test_a_typed_event_is_stored_as_it_arrived(server: Server, endpoint: str) -> None:
    body = b' {"userId" : "u",\n "type":"other", "n": 12345678901234567890123, "x": 1.50} '
    assert_ok(server.post(f"/v1/{endpoint}", body))
    ((meta, stored),) = server.stored()
    assert stored == body
    assert meta.endpoint == endpoint
    assert meta.source_id == "src_1"
    assert meta.request_ip == "127.0.0.1"
    assert len(meta.batch_id) == 32


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", f"/beacon/v1/batch?writeKey={KEY}"])
def test_a_batch_is_one_entry(server: Server, path: str) -> None:
    body = b'{"batch":[{"userId":"u"},{"anonymousId":"a","type":"no such type"}],"sentAt":"x"}'
    assert_ok(server.post(path, body, Content_Type="text/plain"))
    ((meta, stored),) = server.stored()
    assert stored == body
    assert meta.endpoint == "batch"


def test_a_batch_may_be_one_object(server: Server) -> None:
    assert_ok(server.post("/v1/batch", b'{"batch":{"userId":"u"}}'))
    assert len(server.stored()) == 1


@pytest.mark.parametrize("body", [b"{}", b'{"batch":[]}', b'{"batch":null}'])
def test_an_import_of_nothing_is_fine_and_stores_nothing(server: Server, body: bytes) -> None:
    assert_ok(server.post("/v1/import", body))
    assert server.stored() == []


def test_no_two_requests_have_the_same_batch_id(server: Server) -> None:
    for _ in range(20):
        server.post("/v1/track", b'{"userId":"u"}')
    assert len({meta.batch_id for meta, _ in server.stored()}) == 20


@pytest.mark.parametrize(
    "event",
    [
        b'{"userId":0}',
        b'{"userId":false}',
        b'{"userId":{}}',
        b'{"userId":[]}',
        b'{"userId":1.5}',
        b'{"userId":-12345678901234567890}',
        b'{"userId":{"a":["b",null]}}',
        b'{"anonymousId":"","userId":" x "}',
        b'{"anonymousId":null,"userId":"\\u200bx"}',
        b'{"anonymousId":"\\ud83d","userId":"x"}',
        b'{"user\\u0049d":"x"}',
        b'{"userId":"","userId":"x"}',
        b'{"userId":"\xff x"}',
    ],
)
@pytest.mark.parametrize("endpoint", ["track", "batch"])
def test_ids_that_count_as_present(server: Server, endpoint: str, event: bytes) -> None:
    body = event if endpoint == "track" else b'{"batch":[' + event + b"]}"
    assert_ok(server.post(f"/v1/{endpoint}", body))
    assert server.stored()[0][1] == body


@pytest.mark.parametrize(
    "value",
    [
        b'"\\ud83d"',
        b'"\\udc00\\ud83d"',
        b'"\\ud83d\\ude00"',
        b'"\\\\ud83d"',
        b'"\\u0000"',
        b'"\xff\xfe"',
        b'"\xed\xa0\x80"',
        b"1e308",
        b"1e-400",
        b"-0",
        b"9" * 308,
        b'"' + b"9" * 5000 + b'"',
        b'"1e400"',
        b'"x: 1e400, y"',
        b'"e99e123, 1e999"',
        b"[" * 197 + b"]" * 197,
        b'"' + b"[{" * 5000 + b'"',
        b'{"a":1,"a":2}',
        b'{"":null}',
        b'"' + "\u2028\u00e9\U0001f600".encode() + b'"',
    ],
)
@pytest.mark.parametrize("endpoint", ["track", "batch"])
def test_odd_but_valid_values_are_kept_as_they_are(
    server: Server, endpoint: str, value: bytes
) -> None:
    body = b'{"userId":"u","properties":' + value + b"}"
    if endpoint == "batch":
        body = b'{"batch":[' + body + b"]}"
    assert_ok(server.post(f"/v1/{endpoint}", body))
    assert server.stored()[0][1] == body


def test_two_hundred_levels_are_allowed_among_many_brackets(server: Server) -> None:
    deep = "[" * 197 + "{}" + "]" * 197  # with the batch, the list and the event: 201
    shallow = json.dumps([{"a": [{}, [[]]]}] * 1000)
    body = '{"batch":[{"userId":"u","many":%s,"deep":%s}]}'
    assert_ok(server.post("/v1/batch", (body % (shallow, deep[2:-2])).encode()))
    assert server.post("/v1/batch", (body % (shallow, deep)).encode()).status == 400


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "no/such; thing"],
)
def test_the_content_type_does_not_matter(server: Server, content_type: str) -> None:
    assert_ok(server.post("/v1/track", b'{"userId":"u"}', Content_Type=content_type))


def test_gzip_is_inflated_and_stored_so(server: Server) -> None:
    body = b'{"userId":"u","x":"' + b"y" * 10_000 + b'"}'
    assert_ok(server.post("/v1/track", gzip.compress(body), Content_Encoding="gzip"))
    assert server.stored()[0][1] == body


def test_several_gzip_members_are_one_body(server: Server) -> None:
    body = b'{"userId":"u","x":"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"}'
    members = b"".join(gzip.compress(body[i : i + 7]) for i in range(0, len(body), 7))
    assert_ok(server.post("/v1/track", members, Content_Encoding="gzip"))
    assert server.stored()[0][1] == body


def test_a_hundred_thousand_empty_gzip_members_are_read_quickly(server: Server) -> None:
    members = gzip.compress(b"") * 100_000 + gzip.compress(b'{"userId":"u"}')
    answer = server.request(
        "POST",
        "/v1/track",
        members,
        {"Authorization": basic(KEY), "Content-Encoding": "gzip"},
        timeout=1,
    )
    assert_ok(answer)


@pytest.mark.parametrize("encoding", ["GZIP", "deflate", "br", "gzip, gzip", "identity"])
def test_other_encodings_are_ignored(server: Server, encoding: str) -> None:
    assert_ok(server.post("/v1/track", b'{"userId":"u"}', Content_Encoding=encoding))
    deflated = zlib.compress(b'{"userId":"u"}')
    assert server.post("/v1/track", deflated, Content_Encoding=encoding).status == 400


@pytest.mark.parametrize(
    ("forwarded", "ip"),
    [
        ("1.2.3.4", "1.2.3.4"),
        (" 1.2.3.4 , 5.6.7.8", "1.2.3.4"),
        ("2001:db8::1,10.0.0.1", "2001:db8::1"),
        ("", "127.0.0.1"),
        (", 1.2.3.4", "127.0.0.1"),
        ('"quoted\\"', '"quoted\\"'),
        ("caf\xe9", "caf\xe9"),
    ],
)
def test_the_address_is_the_first_one_forwarded(server: Server, forwarded: str, ip: str) -> None:
    assert_ok(server.post("/v1/track", b'{"userId":"u"}', X_Forwarded_For=forwarded))
    assert server.stored()[0][0].request_ip == ip


def test_headers_that_sdks_send_are_let_through(server: Server) -> None:
    answer = server.post(
        "/v1/track",
        b'{"userId":"u"}',
        SentAt="2026-11-24T11:07:35.042Z",
        Rsa_Recovered="true",
        Rsa_Retry_Attempt="1",
        Rsa_Since_Last_Attempt="2000",
        Rsa_Since_First_Attempt="2000",
        Rsa_Retry_Reason="client-network",
        AnonymousId="\xe9\xff",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    assert_ok(answer)


def test_counters_go_with_what_was_taken(server: Server) -> None:
    stats = server.app.stats
    before = (stats.requests, stats.events, stats.body_bytes)
    body = b'{"batch":[{"userId":"u"},{"userId":"v"}]}'
    assert_ok(server.post("/v1/batch", body))
    wait_until(lambda: stats.active == 0)
    after = (stats.requests, stats.events, stats.body_bytes)
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2, len(body)]
