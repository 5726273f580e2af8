"""Bodies of every kind, judged as a plain model does that knows nothing of speed."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sojourn.core.events import clean_id
from sojourn.gateway.json_rules import mend
from sojourn.gateway.payload import judge
from sojourn.gateway.refusals import Refused

DEPTH = 12


def refuse(text: str) -> Any:
    raise ValueError(text)


def number(text: str) -> float:
    value = float(text)
    return value if abs(value) != float("inf") else refuse(text)


def whole(text: str) -> int:
    number(text)
    return int(text)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def whole_characters(value: Any) -> Any:
    """Half of a surrogate pair counts as U+FFFD, which can be seen."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [whole_characters(inner) for inner in value]
    if isinstance(value, dict):
        return {whole_characters(k): whole_characters(v) for k, v in value.items()}
    return value


def model(endpoint: str, body: bytes) -> tuple[list[str], str] | str:
    """Users and person, or the text of the refusal."""
    try:
        text = body.decode("utf-8", "replace")
        document = json.loads(text, parse_constant=refuse, parse_float=number, parse_int=whole)
        if depth_of(document) > DEPTH:
            raise ValueError("deep")
    except (ValueError, RecursionError):
        return "invalid json"
    if endpoint == "batch":
        events = document.get("batch") if isinstance(document, dict) else []
        events = [] if events is None else events
        events = events if isinstance(events, list) else [events]
    elif isinstance(document, list):
        return "event is not a valid rudder event"
    elif not isinstance(document, dict):
        return "request neither has anonymousId nor userId"
    else:
        events = [document]
    users, person = [], ""
    for event in events:
        if not isinstance(event, dict):
            return "event is not a valid rudder event"
        mended = whole_characters(event)
        user, anonymous = clean_id(mended.get("userId")), clean_id(mended.get("anonymousId"))
        if not (user or anonymous):
            return "request neither has anonymousId nor userId"
        users.append(user)
        person = person or anonymous or user
    return users, person


def judged(endpoint: str, body: bytes) -> tuple[list[str], str] | str:
    try:
        payload = judge(endpoint, body, DEPTH)
    except Refused as refusal:
        return refusal.text
    return [clean_id(user) for _, user in payload.ids], payload.person


texts = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["", " ", "a", "\u200b", "\x00", "e400", "1e400,", "[[[[", "}}{{", "ü", "😀", "\ud83d"]
)
ids = st.none() | st.booleans() | st.integers() | texts | st.just([]) | st.just({})
keys = st.sampled_from(["anonymousId", "userId", "type", "batch", "x", "e", ""]) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
events = st.fixed_dictionaries(
    {}, optional={"anonymousId": ids, "userId": ids, "properties": values, "type": values}
)
documents = (
    events | st.fixed_dictionaries({"batch": st.lists(events | values, max_size=5)}) | values
)

scraps = (
    st.sampled_from(
        b"""1e400 NaN , ] [ { } " \\ \\ud800 \\udc00 - 0 null 1E+309 "userId":"u", """.split()
    )
    | st.sampled_from(
        [b"9" * 309, b"9" * 308, b"8" * 220 + b"E90", b"[" * 15, b"]" * 15, b"\x00", b"\n", b" "]
    )
    | st.sampled_from([b"\xff", b"\xef\xbb\xbf"])
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """JSON of events and of anything, often damaged."""
    document = draw(documents)
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(scraps) + body[place + draw(st.integers(0, 2)) :]
    return body


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(["track", "batch"]), bodies() | st.binary(max_size=40))
@example("track", b'{"userId":"x","n":"' + b"\\ud83d" + b'"}')
@example("batch", b'{"batch":{"userId":1}}')
@example("track", b'{"userId":"u","a":"[[[[[[[[[[[[[[[[[[[[[[[[[["}')
@example("track", b'{"userId":"u","userId":""}')
def test_the_judgement_is_that_of_the_model(endpoint: str, body: bytes) -> None:
    assert judged(endpoint, body) == model(endpoint, body)


@given(st.binary(max_size=60) | bodies())
def test_mending_makes_utf8_and_mends_once(body: bytes) -> None:
    mended = mend(body)
    mended.decode()
    assert mend(mended) == mended


@given(st.text(st.characters(codec="utf-8")))
def test_mending_changes_no_good_text(text: str) -> None:
    for ascii_only in (True, False):
        body = json.dumps(text, ensure_ascii=ascii_only).encode()
        assert mend(body) == body


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5_000_000,
        b'{"a":' * 1_000_000,
        b"[" * 199 + b"[]," * 1_600_000 + b"[]" + b"]" * 199,
        (b"[" * 150 + b"]" * 150 + b",") * 16_000,
        b'"' * 5_000_000,
        b'"' + b"\\ud800" * 800_000 + b'"',
        b'"' + b"\xff" * 5_000_000 + b'"',
        b"9" * 5_000_000,
        b'"' + b"9" * 5_000_000 + b'"',
        b"[" + b"1e1," * 1_200_000 + b"1]",
        b"e" * 5_000_000,
        b'"' + b"e99" * 1_600_000 + b'"',
        b'"' + b"{}[]" * 1_200_000 + b'"',
        b'"' + b"[" * 5_000_000 + b'"',
        b"1e" + b"9" * 5_000_000,
        b"[" + b"9" * 300 + b"," + b'"",' * 1_600_000 + b'""]',
    ],
    ids=lambda body: f"{body[:12]!r}",
)
def test_no_body_of_the_largest_size_is_slow_to_judge(body: bytes) -> None:
    for endpoint in ("track", "batch"):
        start = time.thread_time()
        with suppress(Refused):
            judge(endpoint, body, 200)
        assert time.thread_time() - start < 1
