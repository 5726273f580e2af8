"""The warehouse in PostgreSQL, loaded by COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.warehouse.csv_rows import csv_of
from sojourn.warehouse.dialects import POSTGRES
from sojourn.warehouse.engine import Engine
from sojourn.warehouse.growth import SqlGrowth
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.postgres_merging import PostgresMerger
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.statements import Statements

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.AdminShutdown)
_CHANGED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
"""Somebody changed the tables meanwhile: the next load looks at them anew."""
_CONNECT_TIMEOUT_S = 10
_STATEMENTS = Statements(POSTGRES, "sql/postgres.sql")


class PostgresEngine:
    """Implements `sojourn.warehouse.engine.Engine` with psycopg."""

    dialect = POSTGRES

    def __init__(self, url: str) -> None:
        """`url`: a connection URI or string as libpq takes it. Raises `InvalidSettings`."""
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise InvalidSettings(f"url is no PostgreSQL connection string: {error}") from None
        self._url = url
        self._open: psycopg.Connection | None = None

    def run(self, sql: str) -> int:
        """Run one statement; how many rows it touched."""
        with self._watched() as connection:
            return max(0, connection.execute(sql.encode()).rowcount)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with self._watched() as connection:
            return connection.execute(sql.encode()).fetchall()

    def fill(self, table: str, rows: pa.Table) -> None:
        """Put rows into a table by COPY."""
        columns = ", ".join(self.dialect.name(column) for column in rows.column_names)
        sql = _STATEMENTS("copy", table=table, columns=columns)
        with (
            self._watched() as connection,
            connection.cursor() as cursor,
            cursor.copy(sql.encode()) as copy,
        ):
            for block in csv_of(rows):
                copy.write(block)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of the block or none; nobody else loads meanwhile."""
        with self._watched() as connection, connection.transaction():
            connection.execute(_STATEMENTS("lock").encode())
            yield

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def _watched(self) -> Iterator[psycopg.Connection]:
        """The connection; its loss is noticed, so that the next use opens another."""
        try:
            if self._open is None:
                self._open = self._connect()
            yield self._open
        except (*_AWAY, *_CHANGED) as error:
            self.close()
            raise WarehouseUnavailable(f"PostgreSQL: {_first_line(error)}") from error

    def _connect(self) -> psycopg.Connection:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_S,
            application_name="sojourn",
            client_encoding="utf8",
        )
        connection.prepare_threshold = None  # statements differ from load to load
        connection.execute(_STATEMENTS("session").encode())
        return connection


class PostgresTables(SqlTables):
    """Tables of events in PostgreSQL: one schema per source, rows merged by key.

    A connection that is lost makes `load` raise `WarehouseUnavailable`; the next opens another.
    """

    def __init__(
        self, engine: Engine, sources: Sources, options: Mapping[str, Any] | None = None
    ) -> None:
        """`engine`: a `PostgresEngine`. Nothing is opened before the first load."""
        growth = SqlGrowth(engine, _STATEMENTS, indexed=True, together=True)
        merger = PostgresMerger(engine, _STATEMENTS)
        super().__init__(engine, growth, merger, sources, options)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
