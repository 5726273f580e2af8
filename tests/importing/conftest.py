"""Databases with RudderStack's tables in them, and fresh Sojourns to import them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sojourn.app.data_directory import DataDirectory
from sojourn.app.importing.order import ImportOrder
from sojourn.app.importing.run import import_history
from sojourn.app.platform import Platform
from sojourn.core.ports import Batch
from sojourn.core.source import Source
from sojourn.settings import load
from sojourn.testing.postgres_server import PostgresServer, postgres_server

CONFIGURATION = """
[[sources]]
name = "Web Shop"
id = "web"
write_key = "key-1"
"""
SOURCES = {"web": Source("web", "Web Shop", "key-1")}


class Sojourn:
    """A data folder with the source `Web Shop`, opened for one thing at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.configuration = folder / "sojourn.toml"
        self.configuration.write_text(CONFIGURATION)

    def with_platform(self, work: Callable[[Platform], Any]) -> Any:
        async def run() -> Any:
            directory = DataDirectory(self.folder / "data")
            directory.lock()
            try:
                platform = Platform(
                    load(self.configuration, {}, {"data_dir": str(directory.path)}), directory
                )
                try:
                    return await work(platform)
                finally:
                    await platform.close()
            finally:
                directory.release()

        return asyncio.run(run())

    def imports(self, address: str, **order: Any) -> dict[str, Any]:
        """Import, and what came out of it."""

        async def work(platform: Platform) -> dict[str, Any]:
            result: dict[str, Any] = {}
            async for progress in import_history(platform, ImportOrder(address, **order)):
                result = progress
            return result

        return self.with_platform(work)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        async def work(platform: Platform) -> list[dict[str, Any]]:
            return platform.tables.query(sql).to_pylist()

        return self.with_platform(work)

    def everything(self) -> dict[str, list[str]]:
        """All tables, without the times of loading."""

        async def work(platform: Platform) -> dict[str, list[str]]:
            return tables_of(platform.tables)

        return self.with_platform(work)


def tables_of(tables: Any) -> dict[str, list[str]]:
    """The rows of all tables of a DuckDB warehouse, as text, without the times of loading."""
    names = tables.query(
        "SELECT schema_name AS s, table_name AS t FROM duckdb_tables()"
        " WHERE schema_name <> 'sojourn' ORDER BY ALL"
    ).to_pylist()
    return {f"{n['s']}.{n['t']}": _rows(tables, n["s"], n["t"]) for n in names}


def _rows(tables: Any, schema: str, table: str) -> list[str]:
    rows = tables.query(f'SELECT COLUMNS(lambda c: c <> \'uuid_ts\') FROM "{schema}"."{table}"')
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows.to_pylist())


def batch_of(events: Sequence[dict[str, Any]]) -> Batch:
    return Batch("web", 0, [json.dumps(event).encode() for event in events])


@pytest.fixture
def new_sojourn(tmp_path: Path) -> Callable[[], Sojourn]:
    count = iter(range(100))
    return lambda: Sojourn(tmp_path / f"sojourn-{next(count)}")


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute('CREATE DATABASE "old" STRATEGY file_copy')
    yield server.url.replace("/postgres", "/old")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute('DROP DATABASE "old" WITH (FORCE)')
