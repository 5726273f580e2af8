"""Tables as other loaders and exports left them: by hand, with gaps, long names, upper case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg
import pytest

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable

from .conftest import Sojourn

LONG = "a_very_long_name_of_an_event_that_postgres_does_not_take_as_it_is"
OLD = f"""
    CREATE SCHEMA web_shop;
    CREATE TABLE web_shop.tracks (
        id text, received_at timestamptz, event text, event_text text, anonymous_id text,
        user_id text, context_session_id bigint, context_page_url text, timestamp timestamptz,
        uuid_ts timestamp
    );
    CREATE TABLE web_shop.{LONG[:63]} (
        id text, received_at timestamptz, event text, event_text text, anonymous_id text,
        context_session_id bigint, timestamp timestamptz, "_order" text, amount numeric,
        {"column_" + "x" * 56} text
    );
    CREATE TABLE web_shop.pages (
        id varchar(512), received_at timestamp, name varchar(512), path text
    );
    CREATE TABLE web_shop.users (id text, received_at timestamptz, email text, plan text);
    CREATE TABLE web_shop.identifies (id text, received_at timestamptz, user_id text, plan text);
    CREATE TABLE web_shop.rudder_discards (table_name text, row_id text, received_at timestamptz);
    CREATE TABLE web_shop.orders (id integer, placed_at timestamptz);
    CREATE VIEW web_shop.groups AS SELECT id, received_at FROM web_shop.tracks;
    INSERT INTO web_shop.tracks VALUES
        ('t1', '2026-01-02 10:00:00Z', '{LONG}', '{LONG.replace("_", " ")}', 'a', NULL,
         1767348000000, 'https://shop.example/x', '2026-01-02 10:00:00.123456Z', now()),
        ('t2', '2026-01-02 10:01:00Z', '', '日本', 'a', 'u', 1767348000000, NULL,
         '2026-01-02 10:01:00Z', now()),
        (NULL, '2026-01-02 10:01:00Z', 'lost', 'Lost', 'a', 'u', 1, NULL, NULL, now()),
        ('t3', NULL, 'lost', 'Lost', 'a', 'u', 1, NULL, NULL, now());
    INSERT INTO web_shop.{LONG[:63]} VALUES
        ('t1', '2026-01-02 10:00:00Z', '{LONG}', '{LONG.replace("_", " ")}', 'a', 1767348000000,
         '2026-01-02 10:00:00.123456Z', 'first', 12, 'x');
    INSERT INTO web_shop.pages VALUES ('p1', '2026-01-02 10:02:00', NULL, '/home');
    INSERT INTO web_shop.identifies VALUES ('i1', '2026-01-02 10:03:00Z', 'u', 'paid');
    INSERT INTO web_shop.users VALUES
        ('u', '2026-01-02 10:03:00Z', 'u@example.com', 'paid'),
        ('v', '2025-01-01 00:00:00Z', 'v@example.com', 'free');
"""


@pytest.fixture
def old(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(OLD)
    return database


def test_tables_with_gaps_are_imported_as_far_as_they_go(
    old: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()
    result = sojourn.imports(old)
    assert result["left_alone"] == ["orders", "rudder_discards"]
    assert (result["events"], result["imported"], result["unusable_rows"]) == (4, 4, 2)
    events = sojourn.rows(
        "SELECT message_id, type, name, node, user_id, sdk_session_no, CAST(event_time AS VARCHAR)"
        " AS at FROM main.session_events ORDER BY message_id"
    )
    assert [tuple(row.values()) for row in events] == [
        ("i1", "identify", None, None, "u", None, "2026-01-02 10:03:00"),
        ("p1", "page", None, "/home", None, None, "2026-01-02 10:02:00"),
        ("t1", "track", LONG.replace("_", " "), LONG.replace("_", " "), None, 1767348000000,
         "2026-01-02 10:00:00.123"),
        ("t2", "track", "日本", "日本", "u", 1767348000000, "2026-01-02 10:01:00"),
    ]  # fmt: skip
    (row,) = sojourn.rows(f'SELECT _order, amount, event_text FROM web_shop."{LONG[:63]}"')
    assert tuple(row.values()) == ("first", 12.0, LONG.replace("_", " "))
    assert sojourn.rows("SELECT id FROM web_shop.tracks ORDER BY id") == [
        {"id": "t1"},
        {"id": "t2"},
    ]


def test_traits_that_only_users_has_are_kept_and_are_no_events(
    old: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()
    for users in (2, 0):
        assert sojourn.imports(old)["users"] == users
        assert sojourn.rows("SELECT id, email, plan FROM web_shop.users ORDER BY id") == [
            {"id": "u", "email": "u@example.com", "plan": "paid"},
            {"id": "v", "email": "v@example.com", "plan": "free"},
        ]
        assert len(sojourn.rows("SELECT 1 FROM main.session_events")) == 4


def test_bounds_are_about_the_receipt_and_the_second_one_is_out(
    old: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()
    bounds = {"since": "2026-01-02T10:01", "until": "2026-01-02T11:03+01:00"}
    result = sojourn.imports(old, dry_run=True, **bounds)
    assert {t["table"]: t["rows"] for t in result["tables"] if t["rows"]} == {
        "tracks": 1,
        "pages": 1,
    }
    assert not sojourn.rows("SELECT 1 FROM main.session_events")
    sojourn.imports(old, **bounds)
    found = sojourn.rows("SELECT message_id FROM main.session_events ORDER BY ALL")
    assert [row["message_id"] for row in found] == ["p1", "t2"]
    assert sojourn.imports(old)["already_there"] == 2
    assert len(sojourn.rows("SELECT 1 FROM main.session_events")) == 4


def test_names_in_upper_case_are_those_of_a_snowflake_export(
    tmp_path: Path, new_sojourn: Callable[[], Sojourn]
) -> None:
    path = tmp_path / "export.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            CREATE SCHEMA "WEB_SHOP";
            CREATE TABLE "WEB_SHOP"."TRACKS" ("ID" VARCHAR, "RECEIVED_AT" TIMESTAMPTZ,
                "EVENT" VARCHAR, "EVENT_TEXT" VARCHAR, "ANONYMOUS_ID" VARCHAR,
                "CONTEXT_SESSION_ID" DECIMAL(38, 0), "CONTEXT_PAGE_PATH" VARCHAR);
            CREATE TABLE "WEB_SHOP"."ORDER_COMPLETED" AS FROM "WEB_SHOP"."TRACKS";
            ALTER TABLE "WEB_SHOP"."ORDER_COMPLETED" ADD "REVENUE" DOUBLE;
            ALTER TABLE "WEB_SHOP"."ORDER_COMPLETED" ADD "_VALUES" DECIMAL(38, 0);
            CREATE TABLE "WEB_SHOP"."GROUPS" ("ID" VARCHAR, "RECEIVED_AT" TIMESTAMPTZ,
                "GROUP_ID" VARCHAR, "USER_ID" VARCHAR, "SEATS" DECIMAL(38, 0));
            INSERT INTO "WEB_SHOP"."TRACKS" VALUES
                ('t1', '2026-01-02 10:00:00Z', 'order_completed', 'Order Completed', 'a',
                 1767348000000, '/thanks');
            INSERT INTO "WEB_SHOP"."ORDER_COMPLETED"
                SELECT *, 12.5, 3 FROM "WEB_SHOP"."TRACKS";
            INSERT INTO "WEB_SHOP"."GROUPS" VALUES ('g1', '2026-01-02 10:00:01Z', 'g', 'u', 7);
        """)
    sojourn = new_sojourn()
    assert sojourn.imports(str(path))["imported"] == 2
    (session,) = sojourn.rows(
        "SELECT session_id, revenue FROM main.sessions WHERE anonymous_id = 'a'"
    )
    assert tuple(session.values()) == (1767348000000, 12.5)
    # A reserved word there, not here: the name without its underscore.
    (row,) = sojourn.rows(
        'SELECT context_session_id, context_page_path, revenue, "values"'
        " FROM web_shop.order_completed"
    )
    assert tuple(row.values()) == (1767348000000, "/thanks", 12.5, 3)
    assert sojourn.rows("SELECT group_id, user_id, seats FROM web_shop.groups") == [
        {"group_id": "g", "user_id": "u", "seats": 7}
    ]


def test_addresses_that_cannot_be_read_are_told_with_what_to_do(
    database: str, tmp_path: Path, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()
    text, empty = tmp_path / "notes.duckdb", tmp_path / "empty.duckdb"
    text.write_text("these are my notes\n" * 50)
    duckdb.connect(str(empty)).close()
    own = sojourn.folder / "data" / "warehouse.duckdb"
    sojourn.rows("SELECT 1")
    for address, order, message in (
        ("mysql://host/db", {}, "postgres://user:password@host/database"),
        (str(tmp_path / "none.duckdb"), {}, "there is no file"),
        (str(text), {}, "is no DuckDB file"),
        (str(empty), {}, "looked for tracks, pages, screens, identifies, groups, aliases, users"),
        (str(own), {}, "is the warehouse of this data folder"),
        (database, {}, "no tables of RudderStack in any schema"),
        (database, {"schema": "web"}, "there is no schema web"),
        (database, {"since": "yesterday"}, "--since is 'yesterday'; write 2026-03-01"),
    ):
        with pytest.raises(InvalidSettings, match=message):
            sojourn.imports(address, **order)
    for address in ("postgres://127.0.0.1:1/old", database.replace("/old", "/none")):
        with pytest.raises(WarehouseUnavailable, match="PostgreSQL"):
            sojourn.imports(address)


def test_a_choice_that_only_the_user_can_make_is_asked_for(
    old: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA app")
        connection.execute("CREATE TABLE app.tracks AS SELECT * FROM web_shop.tracks")
    with pytest.raises(InvalidSettings, match=r"app, web_shop; name one with --schema"):
        sojourn.imports(old)
    with sojourn.configuration.open("a") as file:
        file.write('[[sources]]\nname = "Other"\nwrite_key = "key-2"\n')
    with pytest.raises(InvalidSettings, match=r"schema app.*--source: Web Shop, Other"):
        sojourn.imports(old, schema="app")
    with pytest.raises(InvalidSettings, match="there is no source App; there are: Web Shop, Other"):
        sojourn.imports(old, schema="app", source="App")
    assert sojourn.imports(old, schema="app", source="Other")["source"] == "other"
    assert sojourn.imports(old, schema="web_shop")["source"] == "web"


def test_tables_that_this_user_may_not_read_are_told(
    old: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA web_shop TO reader")
        connection.execute("GRANT SELECT (id) ON web_shop.pages TO reader")
        try:
            with pytest.raises(InvalidSettings, match=r"may be read|looked for"):
                new_sojourn().imports(old.replace("sojourn@", "reader@"), schema="web_shop")
        finally:
            connection.execute("DROP OWNED BY reader; DROP ROLE reader")
