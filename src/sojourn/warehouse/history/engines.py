"""Where old tables lie: a PostgreSQL database or a DuckDB file, opened for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import duckdb

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.warehouse.parts import imported
from sojourn.warehouse.queries import named_queries

SQL = named_queries("sql/history.sql")
_CONNECT_TIMEOUT_S = 10

Rows = list[tuple[Any, ...]]


class HistoryEngine(Protocol):
    """A connection that reads. Errors: `WarehouseUnavailable`, `InvalidSettings`."""

    kind: str
    """`postgres` or `duckdb`: its queries in `history.sql` are called so."""
    collation: str
    """What makes texts sort by their bytes."""

    def rows(self, sql: str) -> Rows:
        """All rows that a SELECT gives."""
        ...

    def stream(self, sql: str, at_once: int) -> Iterator[Rows]:
        """The rows that a SELECT gives, `at_once` of them each; several streams may be open."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class PostgresHistory:
    """A PostgreSQL database, all of it as it was when it was opened."""

    kind = "postgres"
    collation = SQL["bytes_order"]

    def __init__(self, url: str) -> None:
        """Connect. `url`: as libpq takes it."""
        self._psycopg = imported("psycopg", "PostgreSQL", "postgres")
        with self._clear_errors():
            self._connection = self._psycopg.connect(
                url, connect_timeout=_CONNECT_TIMEOUT_S, application_name="sojourn import"
            )
            self._connection.autocommit = True
            self._connection.execute(SQL["postgres_session"])
            self._connection.autocommit = False
            self._connection.execute(SQL["postgres_snapshot"])
        self._streams = 0

    def rows(self, sql: str) -> Rows:
        """All rows that a SELECT gives."""
        with self._clear_errors():
            found: Rows = self._connection.execute(sql.encode()).fetchall()
            return found

    def stream(self, sql: str, at_once: int) -> Iterator[Rows]:
        """The rows that a SELECT gives, by a cursor on the server."""
        self._streams += 1
        cursor = self._connection.cursor(name=f"sojourn_{self._streams}")
        try:
            with self._clear_errors():
                cursor.execute(sql.encode())
                while rows := cursor.fetchmany(at_once):
                    yield rows
        finally:
            with suppress(self._psycopg.Error):  # the connection may be gone
                cursor.close()

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (self._psycopg.OperationalError, self._psycopg.InterfaceError) as error:
            raise WarehouseUnavailable(f"PostgreSQL: {_first_line(error)}") from None
        except self._psycopg.Error as error:
            raise InvalidSettings(f"PostgreSQL refused to read: {_first_line(error)}") from None


class DuckDBHistory:
    """A DuckDB file, read-only."""

    kind = "duckdb"
    collation = ""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        if not path.is_file():
            raise InvalidSettings(f"there is no file {path}")
        try:
            self._connection = duckdb.connect(
                str(path), read_only=True, config={"memory_limit": "512MB"}
            )
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise InvalidSettings(
                    f"{path} is open in another process; stop that one, or import from a copy"
                ) from None
            raise InvalidSettings(f"{path} is no DuckDB file: {_first_line(error)}") from None
        self._connection.execute(SQL["duckdb_session"])

    def rows(self, sql: str) -> Rows:
        """All rows that a SELECT gives."""
        with self._clear_errors():
            found: Rows = self._connection.execute(sql).fetchall()
            return found

    def stream(self, sql: str, at_once: int) -> Iterator[Rows]:
        """The rows that a SELECT gives, by a cursor of its own."""
        with self._clear_errors(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            while rows := cursor.fetchmany(at_once):
                yield rows

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise WarehouseUnavailable(f"DuckDB: {_first_line(error)}") from None
        except duckdb.Error as error:
            raise InvalidSettings(f"DuckDB refused to read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
