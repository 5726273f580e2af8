"""Whatever a program puts into an event becomes valid JSON, and the program's objects stay."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import json
import math
import re
import uuid
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.sdk import ids, wire


class Colour(enum.Enum):
    RED = "red"


class Table:
    """A mapping that is no dict."""

    def keys(self) -> list[str]:
        return ["a"]

    def __getitem__(self, key: str) -> int:
        return 1


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), None),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("12.5"), 12.5),
        (uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (Colour.RED, "red"),
        ({1}, [1]),
        ((1, 2), [1, 2]),
        (iter([1, 2]), [1, 2]),
        (b"bytes", "b'bytes'"),
        (Table(), {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (math.nan, None),
        ([math.inf, 1], [None, 1]),
        ({"a": -math.inf}, {"a": None}),
        ({1: "a", (1, 2): "b", None: "c"}, {"1": "a", "(1, 2)": "b", "null": "c"}),
        ("\ud800", "\ud800"),
        ({"a": math.nan, "d": datetime.date(2026, 1, 2)}, {"a": None, "d": "2026-01-02"}),
    ],
)
def test_values_become_the_nearest_thing_that_json_knows(value: Any, expected: Any) -> None:
    text = wire.dumps(value)
    assert text.isascii()
    if expected is not None or value is None:
        assert strict(text) == expected


def test_arrays_and_numbers_of_numpy_become_lists_and_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert wire.dumps({"a": numpy.float64(1.5), "b": numpy.arange(3)}) == '{"a":1.5,"b":[0,1,2]}'
    assert wire.dumps(numpy.float32("nan")) == "null"


def test_what_cannot_be_written_says_so() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        wire.dumps({"loop": loop})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@settings(deadline=None)
@given(anything)
def test_all_json_is_valid_and_the_value_is_not_changed(value: Any) -> None:
    before = copy.deepcopy(value)
    strict(wire.dumps(value))
    assert repr(value) == repr(before)


def test_it_also_works_without_the_fast_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"a": [1, None, "ü"], "b": math.nan}
    fast = wire.dumps(value)
    monkeypatch.setattr(wire, "_fast", None)
    assert wire.dumps(value) == fast


def test_ids_are_random_uuids_of_version_4() -> None:
    made = [ids.new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    for text in made:
        assert uuid.UUID(text).version == 4
        assert str(uuid.UUID(text)) == text
        assert uuid.UUID(text).variant == uuid.RFC_4122


@settings(deadline=None)
@given(st.integers(0, 4_102_444_800_000))
def test_times_are_iso_8601_with_milliseconds(ms: int) -> None:
    text = ids.iso_ms(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    parsed = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert round(parsed.timestamp() * 1000) == ms
