"""ClickHouse's engine and Snowflake's stand-in make the sessions that the embedded DuckDB makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import fakesnow
import pyarrow.parquet
import pytest
import snowflake.connector

from sojourn.insights.engines.rebuild import Rules
from sojourn.insights.engines.script import Names, script, statements
from sojourn.warehouse.session_feed import SessionFollower
from sojourn.warehouse.snowflake import SnowflakeEngine, SnowflakeTables

ODD = {"odd": Rules(1_800_000, 4 * 3_600_000)}
PLACED = ["source_id", "message_id", "session_key", "event_index", "gap"]
WORKER = Path(__file__).with_name("clickhouse_worker.py")


def rows(path: Path, columns: list[str], order: list[str]) -> list[tuple[Any, ...]]:
    table = pyarrow.parquet.read_table(path, columns=columns)
    table = table.sort_by([(column, "ascending") for column in order])
    return [tuple(row.values()) for row in table.to_pylist()]


def test_clickhouse_makes_the_same_sessions(
    embedded: Any, expected: Any, same: Any, tmp_path: Path
) -> None:
    events = embedded.query("SELECT * EXCLUDE (session_key, event_index, gap) FROM session_events")
    pyarrow.parquet.write_table(events, tmp_path / "events.parquet")
    names = Names("lake.session_events", "lake.sessions", "lake.event_sessions")
    (tmp_path / "sessions.sql").write_text(script("clickhouse", own=ODD, names=names), "utf-8")
    done = subprocess.run(
        [sys.executable, WORKER, tmp_path, tmp_path / "events.parquet"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    columns = [name for (name,) in expected["columns"]]
    found = {
        "sessions": rows(tmp_path / "sessions.parquet", columns, ["session_key"]),
        "session_events": rows(tmp_path / "event_sessions.parquet", PLACED, PLACED[:2]),
    }
    same(found, expected)


class FakesnowEngine(SnowflakeEngine):
    """fakesnow's COPY does not find temporary tables: there they are made as others are."""

    def run(self, sql: str) -> int:
        return super().run(sql.replace("CREATE TEMPORARY TABLE", "CREATE TABLE"))


@pytest.mark.filterwarnings("ignore:Arrow output on a DB-API result:UserWarning")
def test_snowflake_makes_the_same_sessions(embedded: Any, expected: Any, same: Any) -> None:
    with fakesnow.patch():
        engine = FakesnowEngine(account="test", user="u", password="p", database="LAKE")
        tables = SnowflakeTables(engine, lambda _: None)
        SessionFollower("snowflake", embedded.cursor, tables).follow()
        tables.close()
        names = Names(*(f"sojourn.{name}" for name in Names()[:3]))
        with snowflake.connector.connect(database="LAKE", schema="PUBLIC") as connection:
            cursor = connection.cursor()
            cursor.execute("UPDATE sojourn.session_events SET session_key = '?', gap = 5")
            cursor.execute("DELETE FROM sojourn.sessions WHERE part = 1")
            for statement in statements("snowflake", own=ODD, names=names):
                cursor.execute(statement)
            columns = ", ".join(name for (name,) in expected["columns"])
            found = {
                "sessions": cursor.execute(
                    f"SELECT {columns} FROM sojourn.sessions ORDER BY session_key"
                ).fetchall(),
                "session_events": cursor.execute(
                    f"SELECT {', '.join(PLACED)} FROM sojourn.session_events ORDER BY 1, 2"
                ).fetchall(),
            }
    same(found, expected)
