"""Who may send: credentials, keys, sources that are switched off."""

from __future__ import annotations

import pytest

from .conftest import KEY, Server, basic
from .refused import GOOD, assert_refused


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + "a2V5",  # no colon
        "Bearer " + KEY,
        basic(""),
        basic("", "password"),
        KEY,
        "Basic " + "a2V5Og",  # padding missing
    ],
)
def test_credentials_that_cannot_be_read(server: Server, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = server.request("POST", "/v1/track", GOOD, headers)
    assert_refused(server, answer, 401, "failed to read writekey from header")


@pytest.mark.parametrize("key", ["nobody", KEY.upper(), KEY + " ", "\x00", "x" * 5000])
def test_an_unknown_key(server: Server, key: str) -> None:
    assert_refused(server, server.post("/v1/track", GOOD, key), 401, "invalid write key")


def test_the_scheme_has_no_case_and_the_password_does_not_count(server: Server) -> None:
    for credentials in (basic(KEY), basic(KEY, "secret"), basic(KEY).replace("Basic", "bAsIc")):
        answer = server.request("POST", "/v1/track", GOOD, {"Authorization": credentials})
        assert (answer.status, answer.text) == (200, "ok")


def test_a_key_of_any_letters_works(server: Server) -> None:
    assert server.post("/v1/track", GOOD, "kéy✓").status == 200


@pytest.mark.parametrize("query", ["", "?writeKey=", "?writekey=" + KEY, "?x=1"])
def test_a_beacon_without_a_key(server: Server, query: str) -> None:
    answer = server.post("/beacon/v1/batch" + query, b'{"batch":[{"userId":"u"}]}')
    assert_refused(server, answer, 401, "failed to read writekey from query params")


def test_a_beacon_with_an_unknown_key_even_if_the_header_has_a_good_one(server: Server) -> None:
    answer = server.post("/beacon/v1/batch?writeKey=nobody", b'{"batch":[{"userId":"u"}]}')
    assert_refused(server, answer, 401, "invalid write key")


@pytest.mark.parametrize("body", [GOOD, b"not json"])
def test_a_source_that_is_switched_off_whatever_the_body(server: Server, body: bytes) -> None:
    assert_refused(server, server.post("/v1/track", body, "off"), 404, "source is disabled")


def test_the_key_is_judged_before_the_body(server: Server) -> None:
    assert server.post("/v1/track", b"not json", "nobody").status == 401
    assert server.post("/v1/track", b"not gzip", "nobody", Content_Encoding="gzip").status == 401
