"""Spark makes the sessions that the embedded DuckDB makes, of the files of a Parquet warehouse."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest

from sojourn.insights.engines.rebuild import Rules
from sojourn.insights.engines.script import script
from sojourn.warehouse.parquet import ParquetFolder, ParquetTables
from sojourn.warehouse.session_feed import SessionFollower

EXAMPLE = Path(__file__).parents[2] / "examples" / "spark_sessions" / "make_sessions.py"
ODD = {"odd": Rules(1_800_000, 4 * 3_600_000)}
CONFIGURED = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.log.level": "WARN",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
}
"""For so little data, planning anew and compiling each statement would take the most time."""
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For Java, for the same reason."""


def has_java() -> bool:
    java = Path(os.environ.get("JAVA_HOME", "/")) / "bin" / "java"
    return java.exists() or shutil.which("java") is not None


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not has_java(), reason="Spark needs Java: install openjdk-17-jre-headless"),
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None, reason="Spark is missing: pip install pyspark"
    ),
]


def submit(folder: Path, *arguments: str | Path) -> str:
    """What spark-submit prints. It runs beside the tests, for they take warnings for errors."""
    options = [part for pair in CONFIGURED.items() for part in ("--conf", "=".join(pair))]
    done = subprocess.run(
        [Path(sys.executable).with_name("spark-submit"), "--master", "local[2]",
         "--driver-java-options", QUICK, *options,
         EXAMPLE, *arguments],
        cwd=folder,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def rows(folder: Path, columns: list[str], order: list[str]) -> list[tuple[Any, ...]]:
    table = pyarrow.dataset.dataset(folder, format="parquet").to_table(columns=columns)
    table = table.sort_by([(column, "ascending") for column in order])
    return [tuple(row.values()) for row in table.to_pylist()]


def test_spark_makes_the_same_sessions_of_the_files_of_a_warehouse(
    embedded: Any, expected: Any, same: Any, tmp_path: Path
) -> None:
    lake = ParquetTables(ParquetFolder(str(tmp_path / "lake")), lambda _: None)
    SessionFollower("lake", embedded.cursor, lake).follow()
    lake.close()
    models = tmp_path / "sessions.sql"
    models.write_text(script("spark", own=ODD), "utf-8")
    said = submit(tmp_path, models, tmp_path / "lake", tmp_path / "made")
    assert f"sessions: {len(expected['sessions'])} rows" in said
    columns = [name for (name,) in expected["columns"]]
    placed = ["source_id", "message_id", "session_key", "event_index", "gap"]
    found = {
        "sessions": rows(tmp_path / "made" / "sessions", columns, ["session_key"]),
        "session_events": rows(tmp_path / "made" / "event_sessions", placed, placed[:2]),
    }
    same(found, expected)
