"""Promises that hold for any event."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.warehouse.transform import PROVIDERS, Origin, Transformer, UnusableEvent, cast, evolve
from sojourn.warehouse.transform.flatten import Tree
from sojourn.warehouse.transform.naming import Namer, NameRules, words_name
from sojourn.warehouse.transform.times import KNOWN_TIMES, as_time

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Machines may be slow."""
CALM_FEW = settings(CALM, max_examples=30)
TYPES = {"int": int, "float": float, "boolean": bool, "string": str, "text": str, "json": str}
ORIGIN = Origin("s", "JavaScript", "", "d", "2026-01-02T03:04:05.006Z")
NAMES = sorted(PROVIDERS)

near_times = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-2][0-9]:?[0-6][0-9])?)?",
    fullmatch=True,
)
texts = st.one_of(st.text(max_size=20), near_times, st.just("x" * 600))
keys = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["id", "userId", "user_id", "timestamp", "order", "a", "A", "a_b", "aB", "_"]),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.characters(categories=["Cs"])
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(keys, inner)), max_leaves=12
)
objects = st.dictionaries(keys, values, max_size=6)
kinds = st.sampled_from(
    ["track", "identify", "page", "screen", "group", "alias", "extract", "merge", "TRACK", "x"]
)
parts = dict.fromkeys(
    ("context", "properties", "traits", "userProperties"), st.one_of(values, objects)
)
fields = dict.fromkeys(
    [
        "messageId",
        "anonymousId",
        "userId",
        "previousId",
        "groupId",
        "event",
        "name",
        "channel",
        "request_ip",
        "receivedAt",
        "sentAt",
        "timestamp",
        "integrations",
        "mergeProperties",
    ],
    values,
)
events = st.builds(
    lambda kind, given: {"type": kind, **given},
    kinds,
    st.fixed_dictionaries({}, optional={"type": values, **parts, **fields}),
)


@CALM
@given(events, st.sampled_from(NAMES), st.booleans(), st.sampled_from(["", "cloud"]))
def test_any_event_gives_sound_rows_or_says_what_is_wrong(
    event: dict[str, Any], provider: str, whole: bool, category: str
) -> None:
    before = copy.deepcopy(event)
    transformer = Transformer(
        provider,
        {"storeFullEvent": whole, "jsonPaths": "a,track.properties.id", "odd": 1},
        id_resolution=True,
    )
    try:
        rows = transformer.rows(event, ORIGIN._replace(source_category=category, record_id="r"))
    except UnusableEvent:
        rows = []
    for row in rows:
        check_row(row, provider)
    assert repr(event) == repr(before)


def check_row(row: Any, provider: str) -> None:
    load_times = {PROVIDERS[provider].cased(name) for name in PROVIDERS[provider].load_times}
    assert set(row.values) <= set(row.types) <= set(row.values) | load_times
    check_name(row.table, provider)
    for name, value in row.values.items():
        check_name(name, provider)
        kind = row.types[name]
        if kind == "datetime":
            assert as_time(value) == value
        else:
            assert type(value) is TYPES[kind]


def check_name(name: str, provider: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII)
    chosen = PROVIDERS[provider]
    assert name == (name.upper() if chosen.upper else name.lower())
    assert name.upper() not in chosen.reserved
    if chosen.longest:
        assert len(name) <= (64 if chosen.longest_words else 127)


@CALM
@given(st.text(), st.sampled_from(NAMES), st.booleans())
def test_a_finished_name_stays_as_it_is(text: str, provider: str, divide: bool) -> None:
    namer = Namer(PROVIDERS[provider], NameRules(divide_numbers=divide))
    name = namer.column(text)
    if name and len(name) < 63:
        assert namer.column(name) == name


@CALM
@given(st.from_regex(r"[a-z]{1,5}(_[a-z]{1,5}){0,4}", fullmatch=True))
def test_a_name_in_snake_case_is_its_own(text: str) -> None:
    assert words_name(text) == words_name(text, divide_numbers=True) == text


@CALM
@given(st.text(), st.sampled_from(["bigquery", "snowflake", "duckdb"]))
def test_blendo_names_are_sound(text: str, provider: str) -> None:
    name = Namer(PROVIDERS[provider], NameRules(blendo=True)).column(text)
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$\\]*", name, re.ASCII)


@CALM
@given(st.one_of(st.text(), near_times))
def test_a_stored_time_is_a_time_and_stays_as_it_is(text: str) -> None:
    stored = as_time(text)
    assert KNOWN_TIMES[text] == stored
    if stored is not None:
        assert as_time(stored) == stored
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stored)


@CALM_FEW
@given(st.lists(objects, min_size=2, max_size=3))
def test_what_was_flattened_before_does_not_matter(sources: list[dict[str, Any]]) -> None:
    def tree() -> Tree:
        return Tree(Namer(PROVIDERS["duckdb"]).column, dropped=("id",))

    used = tree()
    for source in sources:
        assert repr(sorted_pair(used.flatten(source))) == repr(sorted_pair(tree().flatten(source)))


def sorted_pair(pair: Any) -> Any:
    return [sorted(part.items()) for part in pair]


@CALM
@given(objects)
def test_the_order_of_keys_does_not_matter(source: dict[str, Any]) -> None:
    tree = Tree(Namer(PROVIDERS["duckdb"]).column)
    turned = dict(reversed(source.items()))
    assert repr(sorted_pair(tree.flatten(source))) == repr(sorted_pair(tree.flatten(turned)))


def test_keys_that_are_ids_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sojourn.warehouse.transform.flatten._PATHS_MAX", 100)
    tree = Tree(Namer(PROVIDERS["duckdb"]).column)
    for number in range(1000):
        values, _ = tree.flatten({f"key{number}": 1, "deep": {f"k{number}": 2}})
        assert values == {f"key{number}": 1, f"deep_k{number}": 2}
    assert len(tree.root.names) < 110
    tree.flatten({"k" * 100_000: 1, "short": 2})
    assert tree.flatten({"short": 2}) == ({"short": 2}, {"short": "int"})
    assert len(tree.root.names) < 10


@CALM
@given(st.sampled_from([*TYPES, "datetime"]), values)
def test_a_cast_fits_or_says_why_not(column: str, value: Any) -> None:
    flat, types = Tree(Namer(PROVIDERS["duckdb"]).column).flatten({"x": value})
    for name, stored in flat.items():
        result = cast(column, types[name], stored)
        assert (result.discarded is None) == (result.reason is None)
        assert (result.value is None) == (result.reason is not None)
        if result.value is not None and column == "float":
            assert isinstance(result.value, int | float)
        elif result.value is not None and column != "datetime":
            assert type(result.value) is TYPES[column]


tables = st.dictionaries(
    st.sampled_from(["users", "identifies", "tracks", "t"]),
    st.dictionaries(st.sampled_from(["id", "user_id", "a", "b"]), st.sampled_from([*TYPES])),
)


@CALM
@given(tables, st.lists(tables, max_size=3), st.sampled_from(["duckdb", "bigquery", "redshift"]))
def test_an_upload_changes_tables_once(
    there: dict[str, Any], uploads: list[dict[str, Any]], provider: str
) -> None:
    schema, changes = evolve(there, uploads, provider)
    after = {name: dict(columns) for name, columns in there.items()}
    for name, change in changes.items():
        assert change.create == (name not in there)
        after.setdefault(name, {}).update(change.add)
        after[name].update(change.alter)
    for name, columns in schema.items():
        for column, kind in columns.items():
            assert after[name][column] == kind
    again, none = evolve(after, [schema], provider)
    assert none == {}
    assert again == schema
    assert json.dumps(schema)
