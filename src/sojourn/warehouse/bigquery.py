"""The warehouse in BigQuery: load jobs of JSON lines that only add; views show one row per key."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from sojourn.core.errors import WarehouseUnavailable
from sojourn.warehouse.dialects import BIGQUERY
from sojourn.warehouse.engine import Engine
from sojourn.warehouse.files import Waiting, user_ids
from sojourn.warehouse.growth import Key, key_of
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.parts import imported
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.statements import Statements
from sojourn.warehouse.transform import TableChange

_STATEMENTS = Statements(BIGQUERY, "sql/bigquery.sql", general="")
_LOADED_AT, _LOAD_TIME = "loaded_at", "uuid_ts"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class BigQueryEngine:
    """Implements `sojourn.warehouse.engine.Engine` with Google's client."""

    dialect = BIGQUERY

    def __init__(self, project: str, location: str = "", client: Any = None) -> None:
        """`client`: a `google.cloud.bigquery.Client`; else one with the credentials of the
        environment (`GOOGLE_APPLICATION_CREDENTIALS`). Raises `MissingPart` without the package.
        """
        self._bigquery = imported("google.cloud.bigquery", "BigQuery", "bigquery")
        self._errors = imported("google.api_core.exceptions", "BigQuery", "bigquery")
        self._project, self._location = project, location
        self._client = client

    def run(self, sql: str) -> int:
        """Run one statement; how many rows it touched."""
        with self._watched() as client:
            job = client.query(sql)
            job.result()
            return int(job.num_dml_affected_rows or 0)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; none of a dataset that is not there."""
        with self._watched() as client:
            try:
                return [tuple(row.values()) for row in client.query(sql).result()]
            except self._errors.NotFound:
                return []

    def fill(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table by a load job."""
        target = f"{self._project}.{table.replace('`', '')}"
        config = self._bigquery.LoadJobConfig(
            source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND"
        )
        with self._watched() as client:
            file = io.BytesIO(json_lines(rows))
            client.load_table_from_file(file, target, job_config=config).result()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Load jobs take part in none; the block runs as it is."""
        yield

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _watched(self) -> Iterator[Any]:
        errors = self._errors
        try:
            if self._client is None:
                self._client = self._bigquery.Client(
                    project=self._project, location=self._location or None
                )
            yield self._client
        except (errors.ServerError, errors.TooManyRequests, errors.RetryError, OSError) as error:
            raise WarehouseUnavailable(f"BigQuery: {error}") from error


def json_lines(rows: pa.Table) -> bytes:
    """The rows as one JSON object a line, columns sorted, without nulls."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(number, field.name, pc.strftime(rows.column(number), _TIME))
    encode = msgspec.json.Encoder(order="sorted").encode
    lines = (
        encode({name: value for name, value in row.items() if value is not None})
        for row in rows.to_pylist()
    )
    return b"".join(line + b"\n" for line in lines)


class BigQueryGrowth:
    """Implements `sojourn.warehouse.schemas.Growth`; makes a view with each table of events."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def columns(self, namespace: str) -> list[tuple[str, str, str]]:
        """Table, column and our type, of all columns of a namespace."""
        return [
            (str(table), str(column), BIGQUERY.our_type(str(kind)))
            for table, column, kind, _ in self._engine.rows(
                _STATEMENTS("columns", namespace=namespace)
            )
        ]

    def apply(
        self, namespace: str, changes: Mapping[str, TableChange], key: Key | None = None
    ) -> None:
        """Make the namespace and its tables, or widen them. `key`: cluster by that instead."""
        run, name = self._engine.run, BIGQUERY.name
        run(_STATEMENTS("create_schema", schema=name(namespace)))
        for table, change in changes.items():
            names = {"table": name(namespace, table), "view": name(namespace, f"{table}_view")}
            columns = [f"{name(c)} {BIGQUERY.types[kind]}" for c, kind in change.add.items()]
            if not change.create:
                for column in columns:
                    run(_STATEMENTS("add_column", column=column, **names))
            query = "create_plain_table" if key else "create_table"
            parts = ", ".join(map(name, key or key_of(table)))
            if change.create:
                run(_STATEMENTS(query, columns=", ".join(columns), key=parts, **names))
            if not key:
                run(_STATEMENTS("create_view", key=parts, **names))


class BigQueryMerger:
    """Adds rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Waiting:
        """Keep rows until they are added."""
        del number, key
        return Waiting(namespace, table, incoming)

    def merge(self, staged: Waiting, columns: Mapping[str, str]) -> Merged:
        """Add the rows. BigQuery does not look whether they are there: all count as new."""
        rows = staged.rows
        if _LOADED_AT in columns and _LOAD_TIME in rows.column_names:
            if _LOADED_AT in rows.column_names:
                rows = rows.drop_columns([_LOADED_AT])
            rows = rows.append_column(_LOADED_AT, rows.column(_LOAD_TIME))
        self._engine.fill(BIGQUERY.name(staged.namespace, staged.table), rows)
        return Merged(rows.num_rows, 0)

    def replace(self, staged: Waiting, column: str, values: Sequence[int]) -> None:
        """Put rows in the place of those whose `column` has one of `values`."""
        table = BIGQUERY.name(staged.namespace, staged.table)
        gone = ", ".join(map(str, values))
        name = BIGQUERY.name(column)
        self._engine.run(_STATEMENTS("delete", table=table, column=name, values=gone))
        if staged.rows.num_rows:
            self._engine.fill(table, staged.rows)

    def touch_users(self, identifies: Waiting) -> Collection[str]:
        """Whose `users` row will change."""
        return user_ids(identifies.rows)

    def renew_users(self, namespace: str, columns: Any, touched: Collection[str]) -> None:
        """Add rows of `users` that hold, per column, the newest value of `identifies`."""
        values = [column for column in columns if column != "id"]
        newest = (_STATEMENTS.part("newest_value", column=BIGQUERY.name(c)) for c in values)
        self._engine.run(
            _STATEMENTS(
                "insert_users",
                users=BIGQUERY.name(namespace, "users"),
                identifies=BIGQUERY.name(namespace, "identifies"),
                columns=", ".join(map(BIGQUERY.name, ["id", *values])),
                newest_values=", ".join(newest),
                user_ids=", ".join(map(_text, sorted(touched))),
            )
        )


class BigQueryTables(SqlTables):
    """Tables of events in BigQuery, one dataset per source; read `<table>_view`."""

    def __init__(
        self, engine: Engine, sources: Sources, options: Mapping[str, Any] | None = None
    ) -> None:
        """`engine`: a `BigQueryEngine`. Nothing is opened before the first load."""
        super().__init__(engine, BigQueryGrowth(engine), BigQueryMerger(engine), sources, options)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
