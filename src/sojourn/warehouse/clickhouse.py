"""The warehouse in ClickHouse: rows are added, and repetitions go when parts merge.

Tables are as RudderStack makes them: ReplacingMergeTree sorted by (`received_at`, `id`), `users`
an AggregatingMergeTree that keeps the last value of each column. ClickHouse has no transactions
over tables; a load that failed is made good by loading again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sojourn.core.errors import WarehouseUnavailable
from sojourn.warehouse.dialects import CLICKHOUSE
from sojourn.warehouse.engine import Engine
from sojourn.warehouse.growth import Key, key_of
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.parts import imported
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.statements import Statements
from sojourn.warehouse.transform import TableChange

_STATEMENTS = Statements(CLICKHOUSE, "sql/clickhouse.sql", general="")
_USERS = "users"
_FEW_VALUES = frozenset(("event", "event_text"))
_ALWAYS_THERE = frozenset(("id", "received_at", "row_id", "column_name", "table_name"))
"""Sort keys, which cannot be null."""
INSERT_SETTINGS: Mapping[str, int] = {"max_partitions_per_insert_block": 0}
"""A load may hold events of many days."""
_LAST_SECOND = (1 << 32) - 1
"""What a DateTime holds: seconds since 1970."""


class ClickHouseEngine:
    """Implements `sojourn.warehouse.engine.Engine` with clickhouse-connect, over HTTP."""

    dialect = CLICKHOUSE

    def __init__(self, url: str) -> None:
        """`url`: `clickhouse://user:password@host:8443/?secure=true`, as clickhouse-connect has it.

        Raises `MissingPart` without the package.
        """
        clickhouse_connect = imported("clickhouse_connect", "ClickHouse", "clickhouse")
        self._make: Callable[[], Any] = partial(clickhouse_connect.get_client, dsn=url)
        self._client: Any = None

    def run(self, sql: str) -> int:
        """Run one statement; ClickHouse does not say how many rows it touched."""
        with self._watched() as client:
            client.command(sql)
        return 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with self._watched() as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def fill(self, table: str, rows: pa.Table) -> None:
        """Put rows into a table, as Arrow."""
        with self._watched() as client:
            client.insert_arrow(table, rows, settings=dict(INSERT_SETTINGS))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """There are none; the block runs as it is."""
        yield

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _watched(self) -> Iterator[Any]:
        from clickhouse_connect.driver.exceptions import OperationalError, StreamFailureError

        try:
            if self._client is None:
                self._client = self._make()
            yield self._client
        except (OperationalError, StreamFailureError, OSError) as error:
            self.close()
            raise WarehouseUnavailable(f"ClickHouse: {error}") from error


class ClickHouseGrowth:
    """Implements `sojourn.warehouse.schemas.Growth`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def columns(self, namespace: str) -> list[tuple[str, str, str]]:
        """Table, column and our type, of all columns of a namespace."""
        sql = _STATEMENTS("columns", namespace=namespace.replace("'", "''"))
        return [
            (str(table), str(column), CLICKHOUSE.our_type(str(kind)))
            for table, column, kind, _ in self._engine.rows(sql)
        ]

    def apply(
        self, namespace: str, changes: Mapping[str, TableChange], key: Key | None = None
    ) -> None:
        """Make the namespace and its tables, or widen them. `key`: sort by that instead."""
        schema = CLICKHOUSE.name(namespace)
        self._engine.run(_STATEMENTS("create_schema", schema=schema))
        for table, change in changes.items():
            name = CLICKHOUSE.name(namespace, table)
            columns = [
                f"{CLICKHOUSE.name(column)} {_column_type(table, column, kind, key or ())}"
                for column, kind in change.add.items()
            ]
            if change.create:
                self._engine.run(_create_table(table, name, columns, key))
            else:
                for column in columns:
                    self._engine.run(_STATEMENTS("add_column", table=name, column=column))


def _create_table(table: str, name: str, columns: list[str], sort_key: Key | None) -> str:
    is_users = table == _USERS and not sort_key
    key = sort_key or (("id",) if is_users else ("received_at", *key_of(table)))
    return _STATEMENTS(
        "create_table",
        table=name,
        columns=", ".join(columns),
        engine="AggregatingMergeTree" if is_users else "ReplacingMergeTree",
        sort_key=", ".join(map(CLICKHOUSE.name, key)),
        partition="" if is_users or sort_key else f" {_STATEMENTS.part('partition')}",
    )


def _column_type(table: str, column: str, kind: str, sort_key: Key) -> str:
    plain = CLICKHOUSE.types[kind]
    if table == _USERS:
        return plain if column == "id" else f"SimpleAggregateFunction(anyLast, Nullable({plain}))"
    if column in (sort_key or _ALWAYS_THERE):
        return plain
    if column in _FEW_VALUES and kind == "string":
        return f"LowCardinality(Nullable({plain}))"
    return f"Nullable({plain})"


@dataclass(frozen=True)
class Waiting:
    """Rows of one load, still here."""

    namespace: str
    table: str
    rows: pa.Table

    @property
    def columns(self) -> list[str]:
        """The names of their columns."""
        return list(self.rows.column_names)


class ClickHouseMerger:
    """Adds rows; the tables' engines do the rest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Waiting:
        """Keep rows until they are merged."""
        del number, key
        arrays = [_storable(incoming.column(name)) for name in incoming.column_names]
        return Waiting(namespace, table, pa.table(arrays, incoming.column_names))

    def merge(self, staged: Waiting, columns: Iterable[str]) -> Merged:
        """Add the rows. ClickHouse does not look whether they are there: all count as new."""
        del columns
        self._engine.fill(CLICKHOUSE.name(staged.namespace, staged.table), staged.rows)
        return Merged(staged.rows.num_rows, 0)

    def replace(self, staged: Waiting, column: str, values: Sequence[int]) -> None:
        """Put rows in the place of those whose `column` has one of `values`."""
        table = CLICKHOUSE.name(staged.namespace, staged.table)
        gone = ", ".join(map(str, values))
        column = CLICKHOUSE.name(column)
        self._engine.run(_STATEMENTS("delete", table=table, column=column, values=gone))
        self._engine.fill(table, staged.rows)

    def touch_users(self, identifies: Waiting) -> str:
        """Whose `users` row will change, as a list for SQL text."""
        users = pc.unique(identifies.rows.column("user_id").combine_chunks()).to_pylist()
        return ", ".join(_text(user) for user in users if user is not None)

    def renew_users(self, namespace: str, columns: Iterable[str], touched: str) -> None:
        """Add rows of `users` that hold, per column, the newest value of `identifies`."""
        if not touched:
            return
        values = [column for column in columns if column != "id"]
        newest = (_STATEMENTS.part("newest_value", column=CLICKHOUSE.name(c)) for c in values)
        self._engine.run(
            _STATEMENTS(
                "insert_users",
                users=CLICKHOUSE.name(namespace, _USERS),
                identifies=CLICKHOUSE.name(namespace, "identifies"),
                columns=", ".join(map(CLICKHOUSE.name, ["id", *values])),
                newest_values=", ".join(newest),
                user_ids=touched,
            )
        )


class ClickHouseTables(SqlTables):
    """Tables of events in ClickHouse, one database per source."""

    def __init__(
        self, engine: Engine, sources: Sources, options: Mapping[str, Any] | None = None
    ) -> None:
        """`engine`: a `ClickHouseEngine`. Nothing is opened before the first load."""
        super().__init__(
            engine, ClickHouseGrowth(engine), ClickHouseMerger(engine), sources, options
        )


def _storable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """As the column's type takes it: booleans are numbers, times seconds from 1970 to 2106."""
    if pa.types.is_boolean(column.type):
        return column.cast(pa.uint8())
    if pa.types.is_timestamp(column.type):
        seconds = pc.cast(column, pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
        seconds = pc.max_element_wise(seconds, 0, skip_nulls=False)
        seconds = pc.min_element_wise(seconds, _LAST_SECOND, skip_nulls=False)
        return seconds.cast(pa.timestamp("s", "UTC"))
    return column


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
