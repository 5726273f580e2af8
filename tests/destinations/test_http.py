"""Sending: what goes on the wire, and what counts as no answer."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.destinations.http import NO_ANSWER, HttpSender, query_text, retry_after
from sojourn.destinations.request import Body, Request, Response
from sojourn.testing.stub_far_end import Answer, StubFarEnd


async def send(request_of: Any, answer: Answer = Answer(), **how: Any) -> Any:  # noqa: B008
    async with StubFarEnd(lambda seen: answer) as far:
        sender = HttpSender(**how)
        response = await sender.send(request_of(far.url))
        await sender.close()
        return response, far.seen


async def test_json_forms_and_gzip_arrive_as_they_are_meant() -> None:
    for body, expected in (
        (Body({"a": [1, None]}), {"a": [1, None]}),
        (Body([1], gzip=True), [1]),
        (
            Body({"k": "v w", "m": {"a": 1}, "n": 5, "t": True}, "form"),
            {"k": "v w", "m": {"a": 1}, "n": 5, "t": True},
        ),
    ):
        response, seen = await send(lambda url, body=body: Request("POST", url, body))
        assert response.status == 200
        assert seen[0].body == expected
        assert ("content-encoding" in seen[0].headers) is body.gzip


async def test_query_values_are_text_and_keep_what_the_url_has() -> None:
    query = {"a": 1, "b": None, "c": True, "d": {"e": 1}, "f": "x y&z", "g": 1.0}
    assert query_text(query) == {"a": "1", "c": "true", "d": '{"e":1}', "f": "x y&z", "g": "1"}
    _, seen = await send(lambda url: Request("GET", url + "/p?own=1", query=query))
    assert seen[0].query == {"own": "1", **query_text(query)}


async def test_an_answer_that_takes_too_long_is_none() -> None:
    response, _ = await send(lambda url: Request("GET", url), Answer(delay=2), timeout=0.1)
    assert response.status == NO_ANSWER
    assert "TimeoutError" in response.body


@pytest.mark.parametrize("fault", ["reset", "partial"])
async def test_an_answer_that_breaks_off_is_none(fault: str) -> None:
    response, _ = await send(lambda url: Request("GET", url), Answer(fault=fault))
    assert response.status == NO_ANSWER


async def test_an_endless_answer_is_read_to_a_limit_only() -> None:
    response, _ = await send(lambda url: Request("GET", url), Answer(body="x" * 2_000_000))
    assert response.status == 200
    assert len(response.body) < 1_000_000


@pytest.mark.parametrize("url", ["", "not a url", "ftp://x", "http://", "http://a b/"])
async def test_a_url_that_is_none_is_refused_and_does_not_raise(url: str) -> None:
    sender = HttpSender(timeout=2)
    response = await sender.send(Request("GET", url))
    await sender.close()
    assert response.status in (400, NO_ANSWER)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("17", 17, 17),
        (" 0 ", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 10**9, 10**10),
    ],
)
def test_the_asked_wait_is_a_number_or_a_date(value: str, low: float, high: float) -> None:
    wait = retry_after(Response(429, headers={"retry-after": value}))
    assert wait is not None
    assert low <= wait <= high


def test_a_wait_that_cannot_be_read_is_none() -> None:
    assert retry_after(Response(429)) is None
    assert retry_after(Response(429, headers={"retry-after": "soon"})) is None
