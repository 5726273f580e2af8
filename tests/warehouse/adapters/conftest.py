"""Servers that the adapters are tested on, each started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

pytest.register_assert_rewrite("sojourn.testing.tables_suite", "sojourn.testing.tables_copies")

from sojourn.testing.failing_engine import FailingEngine  # noqa: E402
from sojourn.testing.postgres_server import PostgresServer, postgres_server  # noqa: E402
from sojourn.testing.tables_events import SOURCES  # noqa: E402
from sojourn.warehouse.duckdb import DuckDBTables  # noqa: E402
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables  # noqa: E402

from .sessions_compared import embedded_tables  # noqa: E402

_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema NOT LIKE 'pg_%'
"""


class PostgresStorage:
    """One database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def open(self, **options: Any) -> PostgresTables:
        return PostgresTables(PostgresEngine(self.url), SOURCES.get, options)

    def open_failing(self, after: int) -> PostgresTables:
        return PostgresTables(FailingEngine(PostgresEngine(self.url), after), SOURCES.get)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def read(self) -> dict[str, list[dict[str, Any]]]:
        found = {}
        with psycopg.connect(self.url) as connection:
            for schema, table in connection.execute(_TABLES).fetchall():
                cursor = connection.execute(f'SELECT * FROM "{schema}"."{table}"')
                names = [column.name for column in cursor.description or ()]
                rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
                found[f"{schema}.{table}"] = rows or [dict.fromkeys(names)]
        return found


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="module")
def module_database(server: PostgresServer) -> Iterator[PostgresStorage]:
    """An empty database for all tests of a module."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute('CREATE DATABASE "module" STRATEGY file_copy')
    yield PostgresStorage(server.url.replace("/postgres", "/module"))
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute('DROP DATABASE "module" WITH (FORCE)')


@pytest.fixture
def new_database(server: PostgresServer) -> Iterator[Callable[[], PostgresStorage]]:
    """Makes an empty database at each call."""
    made: list[str] = []
    with psycopg.connect(server.url, autocommit=True) as connection:

        def make() -> PostgresStorage:
            made.append(f"test_{len(made)}")
            connection.execute(f'CREATE DATABASE "{made[-1]}" STRATEGY file_copy')
            return PostgresStorage(server.url.replace("/postgres", f"/{made[-1]}"))

        yield make
    with psycopg.connect(server.url, autocommit=True) as connection:
        for name in made:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(new_database: Callable[[], PostgresStorage]) -> PostgresStorage:
    return new_database()


@pytest.fixture
def embedded() -> Iterator[DuckDBTables]:
    """A DuckDB in memory that notes whose sessions change."""
    with embedded_tables() as tables:
        yield tables
