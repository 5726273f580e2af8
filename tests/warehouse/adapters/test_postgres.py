"""What is special about PostgreSQL: types, lost connections, killed loaders, what people change."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.testing.tables_events import in_batch, in_pieces, table_event, visits
from sojourn.testing.tables_storage import contents, load_all
from sojourn.warehouse.postgres import PostgresEngine

from ...program import Running, printed_before_kill

WORKER = Path(__file__).with_name("loader_worker.py")


def test_columns_have_the_types_of_rudderstacks_tables(database):
    event = table_event(
        0,
        properties={"n": 1, "x": 1.5, "t": "text", "at": "2024-01-01", "b": True, "j": {"a": 1}},
    )
    load_all_with(database, [event], jsonPaths="track.properties.j", storeFullEvent=True)
    types = dict(
        database.query(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'web_shop' AND table_name IN ('added', 'tracks')"
        )
    )
    assert {
        name: types[name] for name in ("n", "x", "t", "at", "b", "j", "rudder_event", "id")
    } == {
        "n": "bigint",
        "x": "numeric",
        "t": "text",
        "at": "timestamp with time zone",
        "b": "boolean",
        "j": "jsonb",
        "rudder_event": "jsonb",
        "id": "text",
    }
    assert database.query("SELECT j->>'a' FROM web_shop.added") == [("1",)]


def load_all_with(database, events, **options):
    tables = database.open(**options)
    try:
        return tables.load([in_batch(*events)])
    finally:
        tables.close()


def test_zero_characters_which_postgres_does_not_take_are_left_out(database):
    event = table_event(0, properties={"t": "a\x00b", "j": {"k": "a\x00\x00b"}})
    loaded = load_all_with(database, [event], jsonPaths="track.properties.j")
    assert not loaded.aside
    assert database.query("SELECT t, j->>'k' FROM web_shop.added") == [("ab", "ab")]


def test_one_namespace_for_all_sources_if_it_is_asked_for(database):
    tables = database.open(namespace="everything")
    tables.load([in_batch(table_event(0)), in_batch(table_event(1), source_id="app")])
    tables.close()
    assert database.query("SELECT id FROM everything.tracks ORDER BY id") == [("m0",), ("m1",)]


def test_types_that_people_give_their_columns_are_followed(database):
    load_all_with(database, [table_event(0, properties={"n": 1, "t": "x"})])
    database.query("ALTER TABLE web_shop.added ALTER n TYPE text, ADD mine integer")
    loaded = load_all_with(database, [table_event(1, properties={"n": 2, "t": "y"})])
    assert loaded.discarded == 0
    assert database.query("SELECT n, t, mine FROM web_shop.added ORDER BY id") == [
        ("1", "x", None),
        ("2", "y", None),
    ]


def test_a_table_of_rudderstack_is_gone_on_with(database):
    database.query("CREATE SCHEMA web_shop")
    database.query(
        "CREATE TABLE web_shop.tracks (id text, received_at timestamptz, event varchar(512),"
        " context_session_id bigint, uuid_ts timestamp)"
    )
    database.query("INSERT INTO web_shop.tracks (id, event) VALUES ('old', 'before')")
    load_all_with(database, [table_event(0)])
    assert database.query("SELECT id, event FROM web_shop.tracks ORDER BY id") == [
        ("m0", "added"),
        ("old", "before"),
    ]


def test_a_lost_connection_is_an_outage_and_the_next_load_connects_anew(database):
    tables = database.open()
    tables.load([in_batch(table_event(0))])
    database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'sojourn' AND datname = current_database()"
    )
    with pytest.raises(WarehouseUnavailable, match="PostgreSQL"):
        tables.load([in_batch(table_event(1))])
    loaded = tables.load([in_batch(table_event(1))])
    assert loaded.inserted == 2
    tables.close()
    tables.close()


def test_no_server_is_an_outage_and_a_wrong_url_a_wrong_setting():
    with pytest.raises(WarehouseUnavailable, match="PostgreSQL"):
        PostgresEngine("postgresql://nobody@127.0.0.1:1/none").rows("SELECT 1")
    with pytest.raises(InvalidSettings, match="url"):
        PostgresEngine("postgresql://localhost/x?no_such_option=1")


def test_loaders_killed_at_any_moment_leave_nothing_half_done(database, new_database):
    moments = random.Random(7)
    loads = in_pieces(visits(2_000), (40,))
    next_piece = 0
    for _ in range(4):
        words = (database.url, str(next_piece))
        done = printed_before_kill(WORKER, *words, seconds=moments.uniform(0.0, 0.3))
        next_piece += len(done)
        counts = database.query("SELECT count(*), count(DISTINCT id) FROM web_shop.tracks")
        assert counts[0][0] == counts[0][1]
    assert next_piece >= 4
    load_all(database, loads[next_piece : next_piece + 2])
    clean = new_database()
    load_all(clean, [[batch for load in loads[: next_piece + 2] for batch in load]])
    assert contents(database) == contents(clean)


def test_two_loaders_at_once_double_nothing(database, new_database):
    workers = [Running(database.url, "46", script=WORKER) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    clean = new_database()
    load_all(clean, in_pieces(visits(2_000), (40,))[46:])
    assert contents(database) == contents(clean)
