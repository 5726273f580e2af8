"""PostgreSQL makes the sessions that the embedded DuckDB makes, in the warehouse itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sojourn.app.warehouse_models import Rebuilt, models_script, rebuild_in
from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.settings import load
from sojourn.testing.postgres_server import postgres_server
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables
from sojourn.warehouse.session_feed import SessionFollower

PLACED = "source_id, message_id, session_key, event_index, gap"
_C = 'COLLATE "C"'


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A database of a language that sorts letters before their case."""
    with postgres_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(
                "CREATE DATABASE shop TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
                " LOCALE 'C' STRATEGY file_copy"
            )
        yield server.url.replace("/postgres", "/shop")


@pytest.fixture(scope="module")
def configuration(database: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("configured")
    path = folder / "sojourn.toml"
    path.write_text(f"""
        [settings]
        data_dir = "{folder / "data"}"
        [[sources]]
        name = "Shop"
        write_key = "key1"
        [[sources]]
        name = "Odd"
        write_key = "key2"
        max_length = "4h"
        [[warehouses]]
        name = "analytics"
        type = "postgres"
        url = "{database}"
        [[warehouses]]
        name = "lake"
        type = "parquet"
        url = "{folder / "lake"}"
    """)
    return load(path, {})


@pytest.fixture
def events(embedded: Any, database: str) -> Iterator[psycopg.Connection]:
    """The events as they are sent to the warehouse, and nothing of sessions beside them."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS sojourn CASCADE")
        tables = PostgresTables(PostgresEngine(database), lambda _: None)
        with embedded.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS sojourn.session_followers")
        SessionFollower("analytics", embedded.cursor, tables).follow()
        tables.close()
        connection.execute("UPDATE sojourn.session_events SET session_key = '?', gap = 5")
        connection.execute("DELETE FROM sojourn.sessions WHERE part = 1")
        yield connection


def read(connection: psycopg.Connection, columns: list[tuple[str]]) -> Any:
    names = ", ".join(name for (name,) in columns)
    return {
        "sessions": connection.execute(
            f"SELECT {names} FROM sojourn.sessions ORDER BY session_key {_C}"
        ).fetchall(),
        "session_events": connection.execute(
            f"SELECT {PLACED} FROM sojourn.session_events ORDER BY source_id {_C}, message_id {_C}"
        ).fetchall(),
    }


def test_a_rebuild_in_the_warehouse_gives_the_rows_of_the_embedded_one(
    events: psycopg.Connection, configuration: Any, expected: Any, same: Any
) -> None:
    made = rebuild_in(configuration, "analytics")
    assert made == Rebuilt(len(expected["sessions"]), len(expected["session_events"]))
    same(read(events, expected["columns"]), expected)


def test_the_printed_script_does_the_same_in_any_time_zone(
    events: psycopg.Connection, configuration: Any, expected: Any, same: Any
) -> None:
    events.execute("SET TIME ZONE 'America/New_York'")
    events.execute(models_script(configuration, "analytics"))
    same(read(events, expected["columns"]), expected)


def test_a_rebuild_that_fails_leaves_everything_as_it_was(
    events: psycopg.Connection, configuration: Any
) -> None:
    events.execute("ALTER TABLE sojourn.sessions RENAME COLUMN country TO land")
    before = read(events, [("session_key",), ("start_time",)])
    with pytest.raises(WarehouseUnavailable, match="country"):
        rebuild_in(configuration, "analytics")
    assert read(events, [("session_key",), ("start_time",)]) == before


def test_what_sojourn_cannot_run_it_says(configuration: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="without --rebuild"):
        rebuild_in(configuration, "lake")
    with pytest.raises(InvalidSettings, match="there are: analytics, lake"):
        rebuild_in(configuration, "nope")
    with pytest.raises(InvalidSettings, match="Name a warehouse"):
        models_script(configuration)
    assert "CREATE SCHEMA sojourn_working" in models_script(configuration, "lake")
