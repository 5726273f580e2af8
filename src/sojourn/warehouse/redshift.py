"""The warehouse in Redshift: gzipped CSV files in S3, copied into staging tables, merged by key."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.warehouse.csv_rows import csv_of
from sojourn.warehouse.dialects import REDSHIFT
from sojourn.warehouse.engine import Engine
from sojourn.warehouse.growth import SqlGrowth
from sojourn.warehouse.parts import imported
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.sql_merging import SqlMerger
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.statements import Statements

_STATEMENTS = Statements(REDSHIFT, "sql/redshift.sql")
_TIME = "%Y-%m-%d %H:%M:%S"


class RedshiftEngine:
    """Implements `sojourn.warehouse.engine.Engine` with redshift-connector and boto3."""

    dialect = REDSHIFT

    def __init__(self, folder: str, role: str, **parameters: Any) -> None:
        """`folder`: `s3://bucket/prefix` for load files; `role`: the ARN of the IAM role that
        Redshift reads them with; `parameters`: what redshift-connector takes (`host`, `database`,
        `user`, `password`, `port`, …).

        Raises `MissingPart` without the packages, `InvalidSettings` for another kind of folder.
        """
        self._connector = imported("redshift_connector", "Redshift", "redshift")
        bucket, _, prefix = folder.removeprefix("s3://").strip("/").partition("/")
        if not folder.startswith("s3://") or not bucket:
            raise InvalidSettings(f"folder is {folder!r}; write s3://bucket/prefix")
        self._bucket, self._prefix, self._role = bucket, prefix or "sojourn", role
        self._store = imported("boto3", "Redshift", "redshift").client("s3")
        self._parameters = {"application_name": "sojourn", **parameters}
        self._open: Any = None

    def run(self, sql: str) -> int:
        """Run one statement; how many rows it touched."""
        with self._cursor() as cursor:
            cursor.execute(sql)
            return max(0, int(cursor.rowcount))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with self._cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def fill(self, table: str, rows: pa.Table) -> None:
        """Put rows into a table: a file in S3, copied and then removed."""
        name = f"{self._prefix}/{uuid.uuid4()}.csv.gz"
        content = gzip.compress(b"".join(csv_of(_with_written_times(rows))), 1)
        columns = ", ".join(self.dialect.name(column) for column in rows.column_names)
        file = f"s3://{self._bucket}/{name}"
        with self._watched():
            self._store.put_object(Bucket=self._bucket, Key=name, Body=content)
        try:
            self.run(_STATEMENTS("copy", table=table, columns=columns, file=file, role=self._role))
        finally:
            with self._watched():
                self._store.delete_object(Bucket=self._bucket, Key=name)

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
        with self._watched():
            if self._open is None:
                self._open = self._connector.connect(**self._parameters)
                self._open.autocommit = True
            with self._open.cursor() as cursor:
                yield cursor

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Losses of Redshift or S3 may pass; the next use opens another connection."""
        store = imported("botocore.exceptions", "Redshift", "redshift")
        errors = (self._connector.OperationalError, self._connector.InterfaceError)
        try:
            yield
        except (*errors, store.BotoCoreError, store.ClientError, OSError) as error:
            self._open = None
            raise WarehouseUnavailable(f"Redshift: {error}") from error


class RedshiftTables(SqlTables):
    """Tables of events in Redshift: one schema per source, rows merged by key."""

    def __init__(
        self, engine: Engine, sources: Sources, options: Mapping[str, Any] | None = None
    ) -> None:
        """`engine`: a `RedshiftEngine`. Nothing is opened before the first load."""
        growth = SqlGrowth(engine, _STATEMENTS)
        super().__init__(engine, growth, SqlMerger(engine, _STATEMENTS), sources, options)


def _with_written_times(rows: pa.Table) -> pa.Table:
    """Times as text in UTC, as TIMESTAMP has no zone."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(number, field.name, pc.strftime(rows.column(number), _TIME))
    return rows
