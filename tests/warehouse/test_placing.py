"""Columns made of many events at once are those that the transformer makes of each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.warehouse import portion

ONE_BY_ONE = 10**9

texts = st.sampled_from(
    [
        "",
        "x",
        " ",
        "2024-02-30",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T01:00:00+0100",
        "0",
        "\x1a",
    ]
)
leaves = (
    texts
    | st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 7, 2**53 + 1, 2**63, 10**30, 1.5, 2.0, -2.9, 1e21])
    | st.sampled_from([[], [""], [None], ["2024-01-01"], [1, {"a": "\x1a"}]])
)
keys = st.sampled_from(["a", "A", "b", "a b", "id", "name", "userId", "0", "when", "uuid_ts", "é"])
objects = st.recursive(
    st.dictionaries(keys, leaves, max_size=4),
    lambda inner: st.dictionaries(keys, leaves | inner, max_size=4),
    max_leaves=5,
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "ip": texts,
        "traits": objects,
        "page": objects,
        "sessionId": leaves,
        "session": objects,
        "library": leaves,
    },
)
templates = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "track", "page", "identify", "group", "alias", "x"]),
        "context": contexts | st.none() | st.just(5),
    },
    optional={
        "event": st.sampled_from(["Added", "added", "users", "", "日本", 5, None]),
        "properties": objects | leaves,
        "traits": objects,
        "userProperties": objects,
        "name": leaves,
        "userId": leaves,
        "anonymousId": leaves,
        "groupId": leaves,
        "channel": leaves,
        "request_ip": texts,
        "sentAt": texts,
        "integrations": st.sampled_from(
            [{"All": True}, {"DUCKDB": {"options": {"skipTracksTable": True}}}, "x"]
        ),
    },
)


def varied(template: Any, draw: Any) -> Any:
    """The same keys or some of them, some values changed."""
    if isinstance(template, dict):
        return {
            key: value if key in ("type", "event") else varied(value, draw)
            for key, value in template.items()
            if key in ("type", "event") or draw(st.integers(0, 9))
        }
    return draw(st.one_of(st.just(template), st.just(template), leaves))


@st.composite
def histories(draw: Any) -> list[dict[str, Any]]:
    shapes = draw(st.lists(templates, min_size=1, max_size=3))
    events = []
    for number in range(draw(st.integers(3, 14))):
        template = draw(st.sampled_from(shapes))
        event = varied(template, draw) if draw(st.booleans()) else dict(template)
        event["messageId"] = f"m{draw(st.integers(0, 12))}" if draw(st.booleans()) else f"n{number}"
        event["receivedAt"] = f"2026-11-24T09:30:{number:02d}.000Z"
        events.append(event)
    return events


def outcome(new_warehouse, dump, monkeypatch, history, few, pieces):
    monkeypatch.setattr(portion, "FEW", few)
    warehouse = new_warehouse()
    size = -(-len(history) // pieces)
    aside, discarded = [], 0
    for first in range(0, len(history), size):
        loaded = warehouse.add(*history[first : first + size])
        aside += sorted(letter.event for letter in loaded.aside)
        discarded += loaded.discarded
    found = dump(warehouse)
    warehouse.close()
    return found, sorted(aside), discarded


@given(histories(), st.integers(1, 3))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_together_or_one_by_one_the_tables_are_the_same(
    new_warehouse, dump, monkeypatch, history, pieces
):
    together = outcome(new_warehouse, dump, monkeypatch, history, 1, pieces)
    apart = outcome(new_warehouse, dump, monkeypatch, history, ONE_BY_ONE, pieces)
    assert together == apart


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("userId", ["", "u1", "u2"]),
        ("name", ["", "Home", None]),
        ("request_ip", ["", "198.51.100.7"]),
        ("sentAt", ["2024-01-01", "soon", ""]),
        ("properties", [{"x": 1}, {"x": "text"}, {"x": 2.5}, {"x": [1]}, {"x": {}}, 7, None]),
        ("properties", [None, {"x": 1}, {"x": 2}]),
        ("traits", [None, {"x": 1}, "", {"x": 2}]),
        ("context", [None, {"ip": "10.0.0.1"}, {"page": {"path": "/"}}, {"page": None}]),
        ("context", [{"ip": [None]}, {"ip": ""}, {"ip": []}, {"ip": "10.0.0.1"}]),
        ("context", [{"ip": "10.0.0.1"}, {"ip": ""}, {"ip": None}, {"ip": 5}]),
        ("context", [{"traits": {"0": "f", "1": "o"}}, {"traits": {"0": "f", "1": "oo"}}]),
        ("integrations", [{"DUCKDB": {"options": {"useBlendoCasing": True}}}, {"All": True}]),
    ],
)
@pytest.mark.parametrize("kind", ["track", "page", "identify"])
def test_values_that_decide_about_columns_are_minded(
    new_warehouse, dump, monkeypatch, event, field, values, kind
):
    fixed = {"properties": {"name": "inner", "Camel Case": 1}, "traits": {"plan": "pro"}}
    history = [
        event(number, kind, **{**fixed, field: values[number % len(values)]})
        for number in range(3 * len(values))
    ]
    for order in (history, history[::-1], history[1:] + history[:1]):
        together = outcome(new_warehouse, dump, monkeypatch, order, 1, 2)
        assert together == outcome(new_warehouse, dump, monkeypatch, order, ONE_BY_ONE, 2)


@pytest.mark.parametrize("few", [1, ONE_BY_ONE])
def test_objects_that_come_after_nulls_are_kept(new_warehouse, event, monkeypatch, few):
    monkeypatch.setattr(portion, "FEW", few)
    warehouse = new_warehouse()
    warehouse.add(*[event(n, properties=None) for n in range(5)])
    for first in (5, 10):
        warehouse.add(*[event(n, properties={"x": n}) for n in range(first, first + 5)])
    assert warehouse.rows("SELECT count(x), sum(x)::INT FROM web_shop.added") == [(10, 95)]


def test_events_of_one_shape_are_placed_together(new_warehouse, event, monkeypatch):
    monkeypatch.setattr(portion, "FEW", 2)
    warehouse = new_warehouse()
    asked = 0
    rows = warehouse._workshop.transformer.rows

    def counted(*arguments):
        nonlocal asked
        asked += 1
        return rows(*arguments)

    monkeypatch.setattr(warehouse._workshop.transformer, "rows", counted)
    history = [event(n, properties={"price": n / 4, "list": [n], "on": n > 3}) for n in range(200)]
    warehouse.add(*[json.dumps(one).encode() for one in history])
    assert asked < 10
    assert warehouse.rows("SELECT price, list, \"_on\" FROM web_shop.added WHERE id = 'm7'") == [
        (1, "[7]", True)
    ]
