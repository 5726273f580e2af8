"""Values that meet a column of another type."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.warehouse.transform import Cast, cast
from sojourn.warehouse.transform.gotext import go_float, go_text


@pytest.mark.parametrize(
    ("column", "kind", "value", "stored"),
    [
        ("string", "int", 12, "12"),
        ("string", "boolean", True, "true"),
        ("string", "float", 2500000.25, "2.50000025e+06"),
        ("text", "string", "x", "x"),
        ("string", "string", [1, None], "[1,null]"),
        ("float", "int", 3, 3),
        ("int", "float", -3.9, -3),
        ("json", "int", 3, "3"),
        ("json", "boolean", False, "false"),
        ("json", "string", 'say "hi"', '"say \\"hi\\""'),
        ("json", "json", '{"a":1}', '{"a":1}'),
        ("datetime", "datetime", "2026-01-02T00:00:00.000Z", "2026-01-02T00:00:00.000Z"),
        ("int", "int", None, None),
    ],
)
def test_a_value_that_fits_is_kept(column: str, kind: str, value: Any, stored: Any) -> None:
    assert cast(column, kind, value) == Cast(stored)


@pytest.mark.parametrize(
    ("column", "kind", "value", "text"),
    [
        ("int", "string", "12", "12"),
        ("int", "boolean", True, "true"),
        ("float", "string", "1.5", "1.5"),
        ("datetime", "string", "tomorrow", "tomorrow"),
        ("boolean", "int", 1, "1"),
        ("boolean", "string", [1, {"b": 2, "a": None}], "[1 map[a:<nil> b:2]]"),
    ],
)
def test_a_value_that_does_not_fit_is_discarded_with_its_text(
    column: str, kind: str, value: Any, text: str
) -> None:
    reason = f"incompatible schema conversion from {column} to {kind}"
    assert cast(column, kind, value) == Cast(None, text, reason)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (123456.0, "123456"),
        (999999.5, "999999.5"),
        (1000000.0, "1e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-1.25e-7, "-1.25e-07"),
        (1e100, "1e+100"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_floats_read_as_in_rudderstacks_tables(value: float, text: str) -> None:
    assert go_float(value) == text


def test_numbers_within_lists_read_as_floats() -> None:
    assert go_text([12345678, True]) == "[1.2345678e+07 true]"
    assert go_text(12345678) == "12345678"
