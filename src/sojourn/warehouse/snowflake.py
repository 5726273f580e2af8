"""The warehouse in Snowflake: files are put into a stage and copied, then merged by key."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sojourn.core.errors import WarehouseUnavailable
from sojourn.warehouse.dialects import SNOWFLAKE
from sojourn.warehouse.engine import Engine, is_json
from sojourn.warehouse.growth import SqlGrowth
from sojourn.warehouse.parts import imported
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.sql_merging import SqlMerger
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.statements import Statements

_STATEMENTS = Statements(SNOWFLAKE, "sql/snowflake.sql")
_DEFAULTS: Mapping[str, Any] = {
    "schema": "PUBLIC",
    "application": "Sojourn",
    "session_parameters": {"TIMEZONE": "UTC"},
}
_CHANGES_ROWS = re.compile(r"\s*(INSERT|DELETE|UPDATE|MERGE)\b", re.IGNORECASE)
_TIME = "%Y-%m-%dT%H:%M:%S+00:00"


class SnowflakeEngine:
    """Implements `sojourn.warehouse.engine.Engine` with Snowflake's connector."""

    dialect = SNOWFLAKE

    def __init__(self, **parameters: Any) -> None:
        """`parameters`: what the connector takes: `account`, `user`, `password` or another way to
        log in, `database`, `warehouse`, `role`, `schema` (for temporary tables; `PUBLIC`).

        Raises `MissingPart` without the package.
        """
        self._connector = imported("snowflake.connector", "Snowflake", "snowflake")
        self._parameters = {**_DEFAULTS, **parameters}
        self._open: Any = None
        self._loads = 0

    def run(self, sql: str) -> int:
        """Run one statement; how many rows it changed."""
        with self._cursor() as cursor:
            cursor.execute(sql)
            if not _CHANGES_ROWS.match(sql):
                return 0
            row = cursor.fetchone()
            return int(row[0]) if row else 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with self._cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def fill(self, table: str, rows: pa.Table) -> None:
        """Put rows into a table by PUT and COPY."""
        self._loads += 1
        load = f"load_{self._loads}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            pyarrow.parquet.write_table(_with_written_times(rows), path)
            # In the current schema, which every CREATE SCHEMA changes.
            self.run(_STATEMENTS("create_stage"))
            self.run(_STATEMENTS("put", path=str(path), load=load))
        self.run(_STATEMENTS("copy", table=table, load=load))
        for field in rows.schema:
            if is_json(field):
                column = self.dialect.name(field.name)
                self.run(_STATEMENTS("parse", table=table, column=column))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of the block or none."""
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            if self._open is not None:
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        errors = self._connector.errors
        try:
            if self._open is None:
                self._open = self._connector.connect(**self._parameters)
            with self._open.cursor() as cursor:
                yield cursor
        except (errors.OperationalError, errors.InterfaceError, OSError) as error:
            self._open = None
            raise WarehouseUnavailable(f"Snowflake: {error}") from error


class SnowflakeTables(SqlTables):
    """Tables of events in Snowflake: one schema per source, names in upper case, merged by key."""

    def __init__(
        self, engine: Engine, sources: Sources, options: Mapping[str, Any] | None = None
    ) -> None:
        """`engine`: a `SnowflakeEngine`. Nothing is opened before the first load."""
        growth = SqlGrowth(engine, _STATEMENTS)
        super().__init__(engine, growth, SqlMerger(engine, _STATEMENTS), sources, options)


def _with_written_times(rows: pa.Table) -> pa.Table:
    """Times as text in a form that Snowflake knows whatever its settings."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(number, field.name, pc.strftime(rows.column(number), _TIME))
    return rows
