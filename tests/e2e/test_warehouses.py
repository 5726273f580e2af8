"""A server with a second warehouse: rows and sessions reach it too."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from .conftest import eventually, post, serving


def test_rows_and_sessions_reach_a_folder_of_parquet_files(tmp_path: Path) -> None:
    lake, config = tmp_path / "lake", tmp_path / "sojourn.toml"
    lake.mkdir()
    config.write_text(
        f"""
        [[sources]]
        name = "shop"
        write_key = "k-shop"
        [[warehouses]]
        name = "lake"
        type = "parquet"
        url = "{lake}"
        interval = "1s"
        """
    )
    with serving(tmp_path / "data", "--config", str(config)) as server:
        body = json.dumps({"event": "Opened", "anonymousId": "a", "messageId": "m-1"})
        headers = {"Authorization": "Basic ay1zaG9wOg=="}  # k-shop:
        assert post(f"{server.url}/v1/track", body.encode(), headers) == (200, "ok")

        def arrived(table: str) -> bool:
            return any(table in str(path.relative_to(lake)) for path in lake.rglob("*.parquet"))

        for table in ("tracks", "opened", "sessions"):
            eventually(lambda table=table: arrived(table), seconds=30)
    files = [str(path) for path in lake.rglob("*.parquet") if "tracks" in str(path)]
    found = duckdb.sql(f"SELECT id, event FROM read_parquet({files!r})").fetchall()
    assert found == [("m-1", "opened")]
