"""Numbers and times as the vendors' own mappings read and write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.destinations.amplitude.session import NONE, session_id
from sojourn.destinations.values import epoch_ms, exact, holds, iso_ms, text


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (5.0, "5"),
        (-12.5, "-12.5"),
        (1718357415.5, "1718357415.5"),
        (0.1, "0.1"),
        (0.00001, "0.00001"),
        (0.000001, "0.000001"),
        (0.0000001, "1e-7"),
        (-1.25e-7, "-1.25e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (2**53, "9007199254740992"),
        (12345678901234567890, "12345678901234567000"),
        (10**400, "Infinity"),
    ],
)
def test_numbers_are_written_with_the_shortest_digits(number: float, written: str) -> None:
    assert text(number) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_means_the_same_number(number: float) -> None:
    assert float(text(number)) == number


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ([1, None, ["a", 2.0]], "1,,a,2"),
        ({"a": 1}, "[object Object]"),
        ("  as it is ", "  as it is "),
    ],
)
def test_other_values_are_written_as_javascript_writes_them(value: Any, written: str) -> None:
    assert text(value) == written


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2026-03-04", "2026-03-04T00:00:00.000Z"),
        ("2026-03", "2026-03-01T00:00:00.000Z"),
        ("2026", "2026-01-01T00:00:00.000Z"),
        ("2026-03-04T05:06:07", "2026-03-04T05:06:07.000Z"),
        ("2026-03-04 05:06:07.5", "2026-03-04T05:06:07.500Z"),
        ("2026-03-04T05:06:07.1239Z", "2026-03-04T05:06:07.123Z"),
        ("2026-03-04T05:06:07+05:30", "2026-03-03T23:36:07.000Z"),
        ("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999Z"),
        ("Wed, 04 Mar 2026 05:06:07 GMT", "2026-03-04T05:06:07.000Z"),
        ("March 2026", "2026-03-01T00:00:00.000Z"),
        ("03/04/2026", "2026-03-04T00:00:00.000Z"),
        (1772600767890, "2026-03-04T05:06:07.890Z"),
        (1772600767890.9, "2026-03-04T05:06:07.890Z"),
    ],
)
def test_a_time_is_read_in_all_usual_notations(stamp: Any, moment: str) -> None:
    found = epoch_ms(stamp)
    assert found is not None
    assert iso_ms(found) == moment


@pytest.mark.parametrize(
    "stamp",
    [
        *("", "abc", "12:00", "5", "1772600767890", "2026-13-01", "March", "5 March"),
        *(None, True, [], {}, 1e300, -(10**30)),
    ],
)
def test_what_is_no_time_or_names_no_year_is_none(stamp: Any) -> None:
    assert epoch_ms(stamp) is None


@pytest.mark.parametrize(
    ("value", "path", "held"),
    [
        ({"a": None}, "a", True),
        ({"a": {"b": None}}, "a.b", True),
        ({"a.b": None}, "a.b", True),
        ({"a": None}, "a.b", False),
        ({"a": [None]}, "a.0", True),
        ({"a": [None]}, "a.1", False),
        ({"a": [None]}, "a.b", False),
        ({}, "a", False),
        ("text", "a", False),
    ],
)
def test_null_is_something_that_stands_there(value: Any, path: str, held: bool) -> None:
    assert holds(value, path) is held


@pytest.mark.parametrize("endless", ["9" * 5000, "-" + "9" * 5000, 10**400, -(10**400)])
def test_a_session_id_without_end_is_none(endless: Any) -> None:
    assert session_id({"session_id": endless}) == NONE
    assert session_id({"context": {"sessionId": endless}}) == NONE
    assert exact(2**53 + 1) == 2.0**53
