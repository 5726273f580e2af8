"""Text that is a time."""

from __future__ import annotations

import pytest

from sojourn.warehouse.transform.times import KNOWN_TIMES, as_time


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T10:20", "2026-03-01T10:20:00.000Z"),
        ("2026-03-01 10:20:30", "2026-03-01T10:20:30.000Z"),
        ("2026-03-01T10:20:30.5", "2026-03-01T10:20:30.500Z"),
        ("2026-03-01T10:20:30.9999Z", "2026-03-01T10:20:30.999Z"),
        ("2026-03-01T00:20:30+05:30", "2026-02-28T18:50:30.000Z"),
        ("2026-03-01T23:20:30.120-0330", "2026-03-02T02:50:30.120Z"),
        ("2026-02-31", "2026-03-03T00:00:00.000Z"),
        ("2025-11-31T10:00:00Z", "2025-12-01T00:00:00.000Z"),
        ("2024-02-29T10:00:00.000Z", "2024-02-29T10:00:00.000Z"),
    ],
)
def test_a_time_is_stored_as_utc_with_milliseconds(text: str, stored: str) -> None:
    assert as_time(text) == stored
    assert KNOWN_TIMES[text] == stored


@pytest.mark.parametrize(
    "text",
    [
        "2026-03",
        "2026",
        "20260301",
        "2026-13-01",
        "2026-00-10",
        "2026-03-00",
        "2026-03-32",
        "03/01/2026",
        "2026-03-01t10:20:30Z",
        "2026-03-01T10:20:30z",
        "2026-03-01T10",
        "2026-03-01T24:00:00Z",
        "2026-03-01T10:60:00Z",
        "2026-03-01T10:20:60Z",
        " 2026-03-01",
        "2026-03-01 ",
        "2026-03-01\n",
        "2026-03-01T10:20:30,123Z",
        "2026-W10-1T10:20:30.123Z",
        "0000-01-01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-03-01",
        "a session in 2026-03-01",
    ],
)
def test_what_is_no_time_stays_text(text: str) -> None:
    assert as_time(text) is None
    assert KNOWN_TIMES[text] is None
