"""The commands of docs/importing.md run, on a PostgreSQL and a file with RudderStack's tables."""

from __future__ import annotations

from pathlib import Path

from sojourn.testing.postgres_server import postgres_server
from sojourn.testing.tables_events import SOURCES, START_MS, in_batch, table_event, visits
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables

from .commands import ROOT, said_by, shown_commands

JANUARY_S = (1_768_000_000_000 - START_MS) // 1000


def test_the_shown_commands_import_history_that_has_sessions_then(tmp_path: Path) -> None:
    (tmp_path / "sojourn-data").mkdir()
    (tmp_path / "sojourn.toml").write_text('[[sources]]\nname = "Web Shop"\nwrite_key = "k"\n')
    file = DuckDBTables(tmp_path / "old-warehouse.duckdb", SOURCES.get)
    file.load([in_batch(table_event(JANUARY_S, event="From The File"))])
    file.close()
    with postgres_server() as server:
        tables = PostgresTables(PostgresEngine(server.url), SOURCES.get)
        tables.load([in_batch(*visits(40))])
        tables.close()
        said = [
            said_by(command, cwd=tmp_path, environment={"OLD_WAREHOUSE": server.url})
            for command in shown_commands(ROOT / "docs" / "importing.md")
        ]
    assert "tracks" in said[0]
    assert "40 events imported from schema web_shop for the source web-shop" in said[1]
    assert "1 events imported" in said[2]
    assert "anonymous-1" in said[3] or "2026-" in said[3]
