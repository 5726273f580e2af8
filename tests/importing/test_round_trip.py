"""Events to tables and back: the imported history has the sessions that the events had."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from sojourn.insights.sessions import SessionModel
from sojourn.testing.tables_events import table_event, visits
from sojourn.testing.visitors import visitors
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables

from .conftest import SOURCES, Sojourn, batch_of, tables_of

Event = dict[str, Any]
SUMS = ("revenue", "total", "value", "price")
KEYS = {"sessions": "session_key", "session_events": "message_id"}


def history() -> list[Event]:
    """Visits to a shop, and events of every call with odd values.

    No sum is a whole number: if the first were, the tables would cut the cents off all others.
    """
    sendings = visitors(seed=3, people=25, days=4, now_ms=1_795_500_000_000)
    events = [event for sending in sendings for event in sending.processed()]
    for event in events:
        sums = {k: v + 0.25 for k, v in event.get("properties", {}).items() if k in SUMS}
        if sums:
            event["properties"] = {**event["properties"], **sums}
    return events + visits(150)


def into_postgres(url: str, events: Sequence[Event], **options: Any) -> str:
    tables = PostgresTables(PostgresEngine(url), SOURCES.get, options)
    tables.load([batch_of(events)])
    tables.close()
    return url


def into_duckdb(path: Path, events: Sequence[Event]) -> str:
    tables = DuckDBTables(path, SOURCES.get, SessionModel(SOURCES.get))
    tables.load([batch_of(events)])
    tables.close()
    return str(path)


def first_hand(events: Sequence[Event]) -> dict[str, list[Event]]:
    """The sessions tables of the events themselves."""
    tables = DuckDBTables(None, SOURCES.get, SessionModel(SOURCES.get))
    tables.load([batch_of(events)])
    found = {
        name: tables.query(f"SELECT * FROM main.{name} ORDER BY {key}").to_pylist()
        for name, key in KEYS.items()
    }
    tables.close()
    return found


def imported(sojourn: Sojourn) -> dict[str, list[Event]]:
    return {
        name: sojourn.rows(f"SELECT * FROM main.{name} ORDER BY {key}")
        for name, key in KEYS.items()
    }


def lost_columns(ours: list[Event], theirs: list[Event]) -> set[str]:
    """The columns in which two tables differ; their rows must be about the same things."""
    assert len(ours) == len(theirs) > 0
    return {
        column
        for one, other in zip(ours, theirs, strict=True)
        for column in one
        if one[column] != other[column]
    }


@pytest.mark.parametrize("kind", ["postgres", "duckdb"])
def test_imported_sessions_are_those_of_the_events(
    kind: str, database: str, tmp_path: Path, new_sojourn: Callable[[], Sojourn]
) -> None:
    events = history()
    address = (
        into_postgres(database, events)
        if kind == "postgres"
        else into_duckdb(tmp_path / "old.duckdb", events)
    )
    sojourn = new_sojourn()
    result = sojourn.imports(address)
    assert (result["schema"], result["source"]) == ("web_shop", "web")
    assert result["imported"] == result["events"] == len(events)
    assert result["rows"] == result["rows_to_read"] > len(events)
    assert (result["discarded"], result["put_aside"], result["users"]) == (0, 0, 0)
    expected, found = first_hand(events), imported(sojourn)
    assert lost_columns(expected["sessions"], found["sessions"]) == set()
    # JSON text: the tables do not say how its keys were spelled and nested.
    assert lost_columns(expected["session_events"], found["session_events"]) == {"properties"}


def test_imported_tables_have_the_columns_types_and_values_of_the_old_ones(
    tmp_path: Path, new_sojourn: Callable[[], Sojourn]
) -> None:
    events = history()
    into_duckdb(tmp_path / "old.duckdb", events)
    sojourn = new_sojourn()
    sojourn.imports(str(tmp_path / "old.duckdb"))
    old = DuckDBTables(tmp_path / "old.duckdb", SOURCES.get)
    expected = {name: rows for name, rows in tables_of(old).items() if name != "main.sessions"}
    columns = (
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE schema_name = 'web_shop'"
    )
    types = {tuple(row.values()) for row in old.query(columns).to_pylist()}
    old.close()
    found = sojourn.everything()
    for name in expected:
        if name.startswith("web_shop."):
            assert found[name] == expected[name], name
    assert {tuple(row.values()) for row in sojourn.rows(columns)} == types


def test_what_tables_cannot_say_is_lost_and_nothing_else(
    database: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    page = {"path": "/", "url": "https://shop.example/"}
    events = [
        # The first id makes the column a number; a text does not fit, and is discarded.
        table_event(0, context={"sessionId": 1_795_518_460_000, "page": page}),
        table_event(1, context={"sessionId": "1795518460000", "page": page}),
        # No column tells null from absence.
        table_event(2, context={"sessionId": None, "page": page}),
        table_event(3, context={"sessionId": 1_795_518_460_000, "sessionStart": True}),
        # A number of a call's own column is text; an empty name is none.
        table_event(4, "screen", name="", context={"sessionId": 1_795_518_460_000}),
        table_event(5, "page", name="Home", properties={"title": "T", "visitDuration": 5000}),
        table_event(6, event="Order Completed", properties={"revenue": 12, "nonInteraction": True}),
        table_event(
            7, event="Rage", properties={"a": {"b": [1]}, "visitDuration": 2500, "x": None}
        ),
        # The first revenue was a whole number, and so is its column.
        table_event(8, event="Order Completed", properties={"revenue": 7.25}),
    ]
    sojourn = new_sojourn()
    sojourn.imports(into_postgres(database, events))
    expected, found = first_hand(events)["session_events"], imported(sojourn)["session_events"]
    lost = {
        (one["message_id"], column): (one[column], other[column])
        for one, other in zip(expected, found, strict=True)
        for column in one
        if one[column] != other[column]
    }
    assert lost == {
        ("m1", "sdk_session_id"): ("1795518460000", None),
        ("m1", "sdk_session_no"): (1_795_518_460_000, None),
        ("m2", "sdk_session_id"): ("null", None),
        ("m2", "id_fault"): ("null", None),
        ("m7", "properties"): (
            '{"a":{"b":[1]},"visitDuration":2500,"x":null}',
            '{"a_b":"[1]","visitDuration":2500}',
        ),
        ("m8", "revenue"): (7.25, 7.0),
        ("m8", "properties"): ('{"revenue":7.25}', '{"revenue":7}'),
    }


def test_whole_events_come_back_as_they_were_where_the_tables_have_them(
    database: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    events = [
        table_event(0, context={"sessionId": "a-text-of-ten", "page": {"path": "/"}}),
        table_event(1, context={"sessionId": None}),
        table_event(2, properties={"a": {"b": [1]}, "visitDuration": 2500, "x": None}),
    ]
    sojourn = new_sojourn()
    sojourn.imports(into_postgres(database, events, storeFullEvent=True))
    expected, found = first_hand(events), imported(sojourn)
    for row in expected["session_events"] + found["session_events"]:
        row["properties"] = json.loads(row["properties"] or "{}")  # jsonb sorts its keys
    for name in KEYS:
        assert lost_columns(expected[name], found[name]) == set()


def test_json_columns_become_text_with_the_same_json(
    database: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    event = table_event(0, properties={"j": {"a": [1, {"b": None}]}, "n": 1})
    into_postgres(database, [event], jsonPaths="track.properties.j")
    sojourn = new_sojourn()
    sojourn.imports(database)
    (row,) = sojourn.rows("SELECT j, n FROM web_shop.added")
    assert (json.loads(row["j"]), row["n"]) == ({"a": [1, {"b": None}]}, 1)


def test_a_number_column_keeps_its_fractions_whatever_comes_first(
    tmp_path: Path, new_sojourn: Callable[[], Sojourn]
) -> None:
    path = tmp_path / "old.duckdb"
    into_duckdb(path, [table_event(0, properties={"price": 2.5})])
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE web_shop.added SET price = 2")
        connection.execute(
            "INSERT INTO web_shop.added BY NAME SELECT * REPLACE ('m9' AS id, 2.5 AS price,"
            " received_at + INTERVAL 1 DAY AS received_at) FROM web_shop.added"
        )
    sojourn = new_sojourn()
    assert sojourn.imports(str(path))["discarded"] == 0
    prices = sojourn.rows("SELECT price FROM web_shop.added ORDER BY received_at")
    assert [row["price"] for row in prices] == [2.0, 2.5]


def test_times_without_a_zone_are_utc(database: str, new_sojourn: Callable[[], Sojourn]) -> None:
    into_postgres(database, [table_event(0)])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER DATABASE old SET timezone = 'Asia/Tokyo'")
        connection.execute(
            "ALTER TABLE web_shop.added ALTER received_at TYPE timestamp"
            " USING received_at AT TIME ZONE 'UTC'"
        )
    sojourn = new_sojourn()
    result = sojourn.imports(database)
    assert (result["events"], result["imported"]) == (1, 1)
    (row,) = sojourn.rows("SELECT CAST(received_at AS VARCHAR) AS at FROM main.session_events")
    assert row["at"] == "2026-11-24 11:07:40"
