"""The models as definitions, run on a DuckDB of somebody else."""

from __future__ import annotations

from typing import Any

import duckdb

from sojourn.insights.engines.rebuild import Rules
from sojourn.insights.engines.script import Names, statements

ODD = {"odd": Rules(1_800_000, 4 * 3_600_000)}
PLACED = "source_id, message_id, session_key, event_index, gap"


def test_another_duckdb_makes_the_same_sessions_of_the_same_events(
    embedded: Any, expected: Any, same: Any
) -> None:
    events = embedded.query("SELECT * EXCLUDE (session_key, event_index, gap) FROM session_events")
    with duckdb.connect() as connection:
        connection.execute("""
            CREATE SCHEMA lake;
            CREATE TABLE lake.happened AS
            SELECT *, '?' AS session_key, 0 AS event_index, 0.0::DOUBLE AS gap
            FROM events ORDER BY hash(message_id)
        """)
        assert events.num_rows
        names = Names("lake.happened", "lake.visits")
        for _ in range(2):  # the second run replaces what the first one made
            for statement in statements("duckdb", own=ODD, names=names):
                connection.execute(statement)
        found = {
            "sessions": connection.execute(
                "SELECT * FROM lake.visits ORDER BY session_key"
            ).fetchall(),
            "session_events": connection.execute(
                f"SELECT {PLACED} FROM lake.happened ORDER BY 1, 2"
            ).fetchall(),
        }
    same(found, expected)
