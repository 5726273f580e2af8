"""Times: what is understood, how it is written, how the sender's clock is corrected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.envelope import RequestMeta
from sojourn.pipeline.bodies import events_of
from sojourn.pipeline.enrich import Receipt, enrich
from sojourn.pipeline.times import parse_time, time_text

R = 1_795_518_460_000
RECEIVED = "2026-11-24T11:07:40.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T11:07:35.041Z", "2026-11-24T11:07:35.041Z"),
        ("2026-11-24T11:07:35Z", "2026-11-24T11:07:35.000Z"),
        ("2026-11-24T11:07:35.041999+00:00", "2026-11-24T11:07:35.041Z"),
        ("2026-11-24T12:07:35.041+01:00", "2026-11-24T11:07:35.041Z"),
        ("2026-11-24T12:07:35+0100", "2026-11-24T11:07:35.000Z"),
        ("2026-11-24 11:07:35", "2026-11-24T11:07:35.000Z"),
        ("2026-11-24", "2026-11-24T00:00:00.000Z"),
        ("2026-11-24T11:07:35.123456789Z", "2026-11-24T11:07:35.123Z"),
        (" 2026-11-24T11:07:35Z ", "2026-11-24T11:07:35.000Z"),
        ("Tue, 24 Nov 2026 11:07:35 GMT", "2026-11-24T11:07:35.000Z"),
        ("Tue Nov 24 2026 12:07:35 +0100", "2026-11-24T11:07:35.000Z"),
        ("11/24/2026 11:07", "2026-11-24T11:07:00.000Z"),
        ("24 Nov 2026", "2026-11-24T00:00:00.000Z"),
        ("1795518455", "2026-11-24T11:07:35.000Z"),
        ("1795518455041", "2026-11-24T11:07:35.041Z"),
        ("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_common_notations_are_understood(text, expected):
    moment = parse_time(text)
    assert moment is not None
    assert time_text(moment) == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "12:30", "Tuesday", "24", "Nov 24", "2026-13-45", "9" * 64, "9" * 10_000, "\0"],
)
def test_what_names_no_instant_is_none(text):
    assert parse_time(text) is None


@given(st.text(max_size=40))
def test_no_text_makes_the_parser_fail(text):
    moment = parse_time(text)
    assert moment is None or time_text(moment).endswith("Z")


def times(fields: str) -> dict[str, str]:
    import json

    body = ('{"type":"track","userId":"u",' + fields + "}").encode()
    (event,) = events_of("track", body)
    receipt = Receipt.of(RequestMeta("web", R, "ip", "track", "b"))
    stored = json.loads(enrich(event, 0, receipt).line)
    return {name: stored[name] for name in ("originalTimestamp", "sentAt", "timestamp")}


def test_without_times_all_are_the_time_of_receipt():
    assert set(times('"a":1').values()) == {RECEIVED}


def test_a_wrong_clock_is_corrected():
    found = times(
        '"originalTimestamp":"2020-01-01T00:00:00.000Z","sentAt":"2020-01-01T00:00:02.500Z"'
    )
    assert found["timestamp"] == "2026-11-24T11:07:37.500Z"
    assert found["originalTimestamp"] == "2020-01-01T00:00:00.000Z"


def test_without_sent_at_the_time_of_the_call_stands_uncorrected():
    found = times('"originalTimestamp":"2020-01-01T00:00:00.000Z"')
    assert found["timestamp"] == "2020-01-01T00:00:00.000Z"
    assert found["sentAt"] == RECEIVED


def test_a_senders_timestamp_is_taken_as_it_is():
    found = times('"timestamp":"2020-05-05T07:00:00.123456+02:00","sentAt":"2019-01-01T00:00:00Z"')
    assert found["timestamp"] == "2020-05-05T05:00:00.123Z"


@pytest.mark.parametrize("value", ["1795518455041", "1e3", "true", "null", "{}", '"soon"', '""'])
def test_what_is_no_time_counts_as_absent(value):
    assert set(
        times(f'"originalTimestamp":{value},"sentAt":{value},"timestamp":{value}').values()
    ) == {RECEIVED}


def test_a_time_that_no_calendar_can_write_falls_back_to_the_receipt():
    found = times('"originalTimestamp":"9999-12-31T00:00:00Z","sentAt":"0001-01-01T00:00:00Z"')
    assert found["timestamp"] == RECEIVED
