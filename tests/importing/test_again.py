"""Importing again, after a kill, beside a server, with deliveries."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sojourn.app.importing.order import ImportOrder
from sojourn.app.importing.run import import_history
from sojourn.app.platform import Platform
from sojourn.core.envelope import unpack_events
from sojourn.core.errors import WarehouseUnavailable
from sojourn.core.ports import EVENTS
from sojourn.testing.tables_events import table_event, visits
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.history import reading
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables

from ..program import Done, Running, piped
from ..program import run as run_program
from .conftest import SOURCES, Sojourn, batch_of

WORKER = Path(__file__).with_name("importing_worker.py")


def into_postgres(url: str, events: list[dict[str, Any]]) -> str:
    tables = PostgresTables(PostgresEngine(url), SOURCES.get)
    tables.load([batch_of(events)])
    tables.close()
    return url


@pytest.fixture
def old_file(tmp_path: Path) -> str:
    tables = DuckDBTables(tmp_path / "old.duckdb", SOURCES.get)
    tables.load([batch_of(visits(300))])
    tables.close()
    return str(tmp_path / "old.duckdb")


def test_importing_twice_changes_nothing(old_file: str, new_sojourn: Callable[[], Sojourn]) -> None:
    sojourn = new_sojourn()
    sojourn.imports(old_file)
    before = sojourn.everything()
    again = sojourn.imports(old_file)
    assert (again["imported"], again["already_there"], again["users"]) == (0, 300, 0)
    assert sojourn.everything() == before


def test_what_came_here_already_stays_as_it_is(
    old_file: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()

    async def load(platform: Platform) -> None:
        platform.tables.load([batch_of(visits(300)[:100])])

    sojourn.with_platform(load)
    query = "SELECT * FROM main.session_events WHERE message_id IN ('m3', 'm99') ORDER BY ALL"
    columns = "* EXCLUDE (session_key, event_index, gap)"  # what imported neighbours change
    before = sojourn.rows(query.replace("*", columns))
    assert sojourn.imports(old_file)["already_there"] == 100
    assert sojourn.rows(query.replace("*", columns)) == before


def test_rows_that_came_late_are_found_the_next_time(
    database: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()
    sojourn.imports(into_postgres(database, visits(60)[30:]))
    into_postgres(database, visits(60)[:30])
    again = sojourn.imports(database)
    assert (again["imported"], again["already_there"]) == (30, 30)


def test_killed_at_any_moment_it_goes_on_where_it_was(
    old_file: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    clean, killed = new_sojourn(), new_sojourn()
    clean.imports(old_file)
    moments = random.Random(3)
    resumed, rows = [], 0
    for _ in range(3):
        words = (killed.configuration, killed.folder / "data", old_file)
        with piped(*words, script=WORKER) as (_, lines):
            for _ in range(moments.randrange(2, 4)):
                rows, after = lines.readline().split(maxsplit=1)
                resumed.append(after.strip())
            time.sleep(moments.uniform(0, 0.1))
    assert any(after.startswith("2026-11-24T11:") for after in resumed)
    assert int(rows) < 400, "it was killed before the end"
    last = killed.imports(old_file)
    assert last["resumed_after"] is not None
    assert 0 < last["events"] < 300
    assert last["rows"] == last["rows_to_read"]
    assert killed.everything() == clean.everything()
    assert killed.imports(old_file)["resumed_after"] is None


def test_history_is_not_delivered_unless_it_is_asked_for(
    old_file: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    async def in_the_log(platform: Platform) -> list[str]:
        found = await platform.log.reader(EVENTS, "").read(1 << 30, 0)
        events = [json.loads(e) for one in found for e in unpack_events(one.value).events]
        return sorted(event["messageId"] for event in events)

    sojourn, delivering = new_sojourn(), new_sojourn()
    sojourn.imports(old_file)
    assert sojourn.with_platform(in_the_log) == []
    result = delivering.imports(old_file, deliver=True)
    assert result["imported"] == 300
    assert len(set(delivering.with_platform(in_the_log))) == 300
    assert delivering.everything() == sojourn.everything()
    assert delivering.imports(old_file, deliver=True)["imported"] == 0
    assert len(delivering.with_platform(in_the_log)) == 300


def test_an_event_that_no_table_takes_is_a_dead_letter(
    tmp_path: Path, new_sojourn: Callable[[], Sojourn]
) -> None:
    wide = table_event(0, properties={f"p{n}": n for n in range(1_480)})
    wide["context"] = {f"c{n}": n for n in range(90)}
    tables = DuckDBTables(tmp_path / "old.duckdb", SOURCES.get)
    tables.load([batch_of([wide, table_event(1)])])
    tables.exclusively(
        lambda c: [
            c.execute(f"ALTER TABLE web_shop.added ADD COLUMN more_{n} INTEGER DEFAULT 1")
            for n in range(60)
        ]
    )
    tables.close()
    result = new_sojourn().imports(str(tmp_path / "old.duckdb"))
    assert (result["imported"], result["put_aside"]) == (1, 1)


def run(sojourn: Sojourn, *arguments: str) -> Done:
    environment = {"COLUMNS": "200", "OLD_TABLES": str(sojourn.folder / "none.duckdb")}
    return run_program(
        *arguments, "--data-dir", sojourn.folder / "data", "--config", sojourn.configuration,
        env=os.environ | environment,
    )  # fmt: skip


def test_a_running_server_imports_into_its_folder(
    database: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    into_postgres(database, visits(200))
    sojourn, other = new_sojourn(), new_sojourn()
    other.imports(database)
    server = Running(
        "serve", "--port", "0", "--data-dir", sojourn.folder / "data",
        "--config", sojourn.configuration,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (sojourn.folder / "data" / "serve.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        wrong = run(sojourn, "import", "--from", "env:OLD_TABLES")
        assert (wrong.returncode, wrong.stdout.strip()) == (1, "")
        assert "there is no file" in wrong.stderr
        shown = run(sojourn, "import", "--from", database, "--dry-run")
        assert "tracks" in shown.stdout, shown.stderr
        assert run(sojourn, "sql", "--json", "SELECT 1 AS x FROM main.session_events").stdout == ""
        done = run(sojourn, "import", "--from", database)
        assert "200 events imported from schema web_shop for the source web" in done.stdout
        again = json.loads(run(sojourn, "import", "--from", database, "--json").stdout)
        assert (again["done"], again["imported"], again["already_there"]) == (True, 0, 200)
    finally:
        server.terminate()
        server.wait(60)
    assert sojourn.everything() == other.everything()


def test_people_who_were_forgotten_stay_out(
    old_file: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    sojourn = new_sojourn()

    async def suppress(platform: Platform) -> None:
        platform.suppressions.add("suppress", ["user-1"])

    sojourn.with_platform(suppress)
    result = sojourn.imports(old_file)
    theirs = sum(event["userId"] == "user-1" for event in visits(300))
    assert (result["suppressed"], result["imported"]) == (theirs, 300 - theirs)
    assert not sojourn.rows("SELECT 1 FROM main.session_events WHERE user_id = 'user-1'")
    assert not sojourn.rows("SELECT 1 FROM web_shop.users WHERE id = 'user-1'")
    assert sojourn.imports(old_file)["already_there"] == 300 - theirs


def test_a_database_that_goes_away_is_an_outage_and_the_import_goes_on_later(
    database: str, new_sojourn: Callable[[], Sojourn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ROWS_HELD", 1)
    into_postgres(database, visits(300))
    sojourn = new_sojourn()

    done = []

    async def interrupted(platform: Platform) -> None:
        async for report in import_history(platform, ImportOrder(database), lot_bytes=20_000):
            done.append(report["events"])
            if report["events"]:
                terminate(database)

    with pytest.raises(WarehouseUnavailable, match="PostgreSQL"):
        sojourn.with_platform(interrupted)
    seen = done[-1]
    assert 0 < seen < 300
    result = sojourn.imports(database)
    assert result["resumed_after"]
    assert result["events"] == 300 - seen
    assert len(sojourn.rows("SELECT 1 FROM main.session_events")) == 300


def terminate(url: str) -> int:
    """End the connections of the import; how many there were."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sojourn import' AND datname = current_database()"
        )
        return found.rowcount


def test_the_warehouse_that_history_came_from_gets_its_sessions_and_nothing_twice(
    database: str, new_sojourn: Callable[[], Sojourn]
) -> None:
    into_postgres(database, visits(80))
    before = rows_of(database, "SELECT * FROM web_shop.tracks ORDER BY id")
    sojourn = new_sojourn()
    with sojourn.configuration.open("a") as file:
        file.write(
            f'[[warehouses]]\nname = "old"\ntype = "postgres"\nurl = "{database}"\n'
            'interval = "1s"\n'
        )
    sojourn.imports(database)
    ours = sojourn.rows("SELECT session_key FROM main.sessions ORDER BY 1")

    async def follow(platform: Platform) -> None:
        platform.warehouses.open()
        stop = asyncio.Event()
        following = asyncio.create_task(platform.warehouses.run(stop))
        deadline = time.monotonic() + 60
        while not await asyncio.to_thread(has_sessions, database):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        stop.set()
        await following

    sojourn.with_platform(follow)
    found = rows_of(database, "SELECT session_key FROM sojourn.sessions ORDER BY 1")
    assert [row[0] for row in found] == [row["session_key"] for row in ours]
    assert rows_of(database, "SELECT * FROM web_shop.tracks ORDER BY id") == before


def has_sessions(url: str) -> bool:
    found = rows_of(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'sojourn'")
    return bool(found and rows_of(url, "SELECT 1 FROM sojourn.sessions LIMIT 1"))


def rows_of(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()
