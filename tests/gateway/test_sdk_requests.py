"""Requests in the shapes of the official SDKs, and requests of no shape at all."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import KEY, Server, basic

ANONYMOUS = "ac006947-de83-4f06-8eaa-183265ced18e"
HEADER = base64.b64encode(ANONYMOUS.encode()).decode()


def mobile_event(**more: Any) -> dict[str, Any]:
    return {
        "messageId": "e3cb1d38-84e3-4df2-9edc-ffe8e979fb44",
        "channel": "mobile",
        "anonymousId": ANONYMOUS,
        "originalTimestamp": "2023-11-14T22:13:20.123Z",
        "type": "track",
        "event": "Application Opened",
        "properties": {"from_background": False},
        "integrations": {"All": True},
        "context": {
            "app": {"name": "Example", "version": "1.0.0", "build": "1"},
            "sessionId": 1_700_000_000,
            "sessionStart": True,
            "timezone": "Etc/UTC",
        },
        **more,
    }


def android() -> tuple[dict[str, str], bytes]:
    """Writes the batch by hand, with a blank after the colon, and zips it."""
    events = ",".join(json.dumps(mobile_event(sentAt="2023-11-14T22:13:29.000Z")) for _ in "ab")
    body = '{"sentAt":"2023-11-14T22:13:29.000Z","batch": [' + events + "]}"
    headers = {"AnonymousId": HEADER, "Content-Encoding": "gzip"}
    return {"Content-Type": "application/json", **headers}, gzip.compress(body.encode())


def ios() -> tuple[dict[str, str], bytes]:
    """Foundation escapes slashes, and sends `sentAt` behind the events."""
    text = json.dumps({"batch": [mobile_event(userId="u/1")], "sentAt": "x"}).replace("/", "\\/")
    return {"Content-Type": "Application/json", "AnonymousId": HEADER}, text.encode()


def swift() -> tuple[dict[str, str], bytes]:
    """The bare anonymous id in the header, the body zipped."""
    body = json.dumps({"batch": [mobile_event(userId="")], "sentAt": "x"}).encode()
    return {"AnonymousId": ANONYMOUS, "Content-Encoding": "gzip"}, gzip.compress(body)


def node() -> tuple[dict[str, str], bytes]:
    """Zipped JSON under the content type of a form."""
    body = json.dumps({"batch": [mobile_event(channel="server")], "sentAt": "x"}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    return form, gzip.compress(body)


def python() -> tuple[dict[str, str], bytes]:
    """`sentAt` on the batch only, times with microseconds."""
    event = mobile_event(timestamp="2026-11-24T11:07:35.041123+00:00", userId="u")
    del event["originalTimestamp"]
    return {"Content-Type": "application/json"}, json.dumps({"batch": [event]}).encode()


@pytest.mark.parametrize("sdk", [android, ios, swift, node, python])
def test_a_batch_in_the_shape_of_an_sdk_is_stored(server: Server, sdk: Any) -> None:
    headers, body = sdk()
    answer = server.request("POST", "/v1/batch", body, {"Authorization": basic(KEY), **headers})
    assert (answer.status, answer.text) == (200, "ok")
    ((meta, stored),) = server.stored()
    assert meta.endpoint == "batch"
    assert stored == (gzip.decompress(body) if "Content-Encoding" in headers else body)


def test_the_kotlin_sdk_sends_chunks(server: Server) -> None:
    body = json.dumps({"batch": [mobile_event()], "sentAt": "x"}).encode()
    pieces = (body[i : i + 100] for i in range(0, len(body), 100))
    answer = server.request("POST", "/v1/batch", pieces, {"Authorization": basic(KEY)})
    assert answer.status == 200
    assert server.stored()[0][1] == body


paths = st.sampled_from(
    [
        "/v1/track",
        "/v1/batch",
        "/v1/import",
        "/v1/merge",
        "/beacon/v1/batch",
        "/pixel/v1/track",
        "/sourceConfig",
        "/health",
        "/",
        "/v1/%74rack",
        "/v1/track%00",
        "/v1/batch?writeKey=%ff",
    ]
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
headers = st.dictionaries(
    st.sampled_from(
        [
            "Authorization",
            "Content-Encoding",
            "AnonymousId",
            "X-Forwarded-For",
            "Origin",
            "Content-Type",
            "Access-Control-Request-Method",
            "Access-Control-Request-Headers",
        ]
    ),
    st.sampled_from([basic(KEY), "gzip", "POST", "null"]) | header_values,
    max_size=5,
)
texts = st.text(st.characters(codec=None), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["anonymousId", "userId", "type", "context", "originalTimestamp", "event", "batch"]
)
events = st.dictionaries(names | texts, values, max_size=6)
documents = events | st.builds(lambda batch: {"batch": batch}, st.lists(events | values)) | values
json_bodies = documents.map(json.dumps).map(str.encode)
bodies = st.one_of(json_bodies, json_bodies.map(gzip.compress), st.binary(max_size=100))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["POST", "POST", "POST", "GET", "OPTIONS", "PUT"]), paths, headers, bodies)
def test_no_request_gets_a_5xx_or_waits_a_second(
    server: Server, method: str, path: str, named: dict[str, str], body: bytes
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=1)
    with contextlib.closing(connection):
        encoded = {name: value.encode("latin-1") for name, value in named.items()}
        key = {"Authorization": basic(KEY)}
        with contextlib.suppress(ValueError):  # what no client can send
            start = time.monotonic()
            connection.request(method, path, body, key | encoded)  # type: ignore[arg-type]
            response = connection.getresponse()
            text = response.read()
            assert response.status < 500
            assert (response.status == 200) == (text == b"ok") or method != "POST"
            assert time.monotonic() - start < 1
