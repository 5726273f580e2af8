"""What keeps the memory of a server small."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from sojourn.app.footprint import Footprint
from sojourn.core.ports import Batch
from sojourn.pipeline.loader import LoaderCounts
from sojourn.warehouse.duckdb import DuckDBTables

WITHOUT_PANDAS = """
import sys
from sojourn.app.footprint import go_without_pandas
go_without_pandas()
import pyarrow
assert pyarrow.array([1, None]).to_pylist() == [1, None]
assert "pandas" not in sys.modules
import pandas
assert pandas.Series([1]).sum() == 1
"""


def test_arrow_leaves_pandas_out_and_who_wants_it_still_gets_it() -> None:
    pytest.importorskip("pandas")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


async def test_once_it_is_quiet_what_was_loaded_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sojourn.app.footprint._LOOK_S", 0.01)
    tables = DuckDBTables(tmp_path / "warehouse.duckdb", lambda _: None)
    counts, stop = LoaderCounts(), asyncio.Event()
    running = asyncio.create_task(Footprint(tables, counts).run(stop))
    line = b'{"type":"track","messageId":"m","anonymousId":"a","event":"E"}'
    await asyncio.sleep(0)
    counts.add(tables.load([Batch("web", 0, [line])]))
    journal = tmp_path / "warehouse.duckdb.wal"
    assert journal.exists()
    async with asyncio.timeout(60):
        while journal.exists() and journal.stat().st_size:
            await asyncio.sleep(0.01)
    stop.set()
    await running
    assert tables.query("SELECT count(*) AS n FROM web.tracks")["n"].to_pylist() == [1]
    tables.close()
