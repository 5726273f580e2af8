"""Runs a script of the models in ClickHouse's engine, of which a process may have one."""

from __future__ import annotations

import sys
from pathlib import Path

from chdb import session

folder, events = map(Path, sys.argv[1:])
engine = session.Session(str(folder / "chdb"))
engine.query("CREATE DATABASE lake")
engine.query(
    "CREATE TABLE lake.session_events ENGINE = MergeTree ORDER BY tuple() AS"
    f" SELECT * FROM file('{events}', Parquet)"
)
for statement in (folder / "sessions.sql").read_text("utf-8").split(";\n"):
    if statement.strip():
        engine.query(statement)
for table in ("sessions", "event_sessions"):
    engine.query(
        f"SELECT * FROM lake.{table} INTO OUTFILE '{folder / table}.parquet' FORMAT Parquet"
    )
engine.close()
