"""What folders of files have in common as warehouses: no SQL at the far end, no transactions.

Rows are merged here, by an embedded DuckDB that holds nothing but the rows at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from sojourn.warehouse.columns import ARROW_TYPES
from sojourn.warehouse.dialects import Dialect
from sojourn.warehouse.queries import named_queries
from sojourn.warehouse.transform import PROVIDERS

_SQL = named_queries("sql/files.sql")
_NOT_CONTENT = frozenset(("uuid_ts", "came"))


def lake_dialect(provider: str) -> Dialect:
    """The dialect of a data lake: there is none, but names and rules are the provider's."""
    return Dialect(PROVIDERS[provider], "duckdb", {})


class FilesEngine:
    """Stands where SQL warehouses have their connection; there is nothing to connect to."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def run(self, sql: str) -> int:
        """Nothing runs SQL here. Raises `NotImplementedError`."""
        raise NotImplementedError(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Nothing runs SQL here. Raises `NotImplementedError`."""
        raise NotImplementedError(sql)

    def fill(self, table: str, rows: pa.Table) -> None:
        """Nothing runs SQL here. Raises `NotImplementedError`."""
        raise NotImplementedError(table)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """There are none; the block runs as it is."""
        yield

    def close(self) -> None:
        """There is nothing to release."""


@dataclass(frozen=True)
class Waiting:
    """Rows of one load, still here."""

    namespace: str
    table: str
    rows: pa.Table

    @property
    def columns(self) -> Sequence[str]:
        """The names of their columns."""
        return list(self.rows.column_names)


def our_type(arrow_type: pa.DataType) -> str:
    """The type of a column of files in our words."""
    if pa.types.is_integer(arrow_type):
        return "int"
    if pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type):
        return "float"
    if pa.types.is_boolean(arrow_type):
        return "boolean"
    if pa.types.is_timestamp(arrow_type) or pa.types.is_date(arrow_type):
        return "datetime"
    return "string"


def arrow_schema(types: dict[str, str]) -> pa.Schema:
    """Columns of our types as Arrow has them."""
    return pa.schema([pa.field(name, ARROW_TYPES[kind]) for name, kind in types.items()])


def newest_of(parts: Sequence[pa.Table], key: Sequence[str]) -> pa.Table:
    """One row for each key: the newest; of equally new ones the greatest in content.

    Of rows that are the same, that of the earlier part stays.
    """
    numbered = [
        part.append_column("came", pa.repeat(pa.scalar(number), part.num_rows))
        for number, part in enumerate(parts)
    ]
    rows = pa.concat_tables(numbered, promote_options="permissive")
    sql = _SQL["newest_of"].format(
        key=", ".join(map(_quoted, key)), content=_content(rows.column_names)
    )
    return _ask(sql, rows=rows).drop_columns(["came"])


def users_of(identifies: pa.Table, columns: Collection[str]) -> pa.Table:
    """The rows of `users`: per column the newest value that is not null."""
    values = ", ".join(
        _SQL["newest_value"].format(column=_quoted(column))
        for column in columns
        if column != "id" and column in identifies.column_names
    )
    return _ask(_SQL["users_of"].format(values=values), identifies=identifies)


def of_users(identifies: pa.Table, users: Collection[str]) -> pa.Table:
    """The rows of some users."""
    return _ask(_SQL["of_users"], identifies=identifies, users=pa.table({"id": list(users)}))


def user_ids(identifies: pa.Table) -> set[str]:
    """Whose rows these are."""
    if "user_id" not in identifies.column_names:
        return set()
    return {user for user in identifies.column("user_id").to_pylist() if user is not None}


def _ask(sql: str, **tables: pa.Table) -> pa.Table:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql).to_arrow_table()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _content(columns: Collection[str]) -> str:
    return ", ".join(
        _SQL["content_part"].format(column=_quoted(column), text=column.replace("'", "''"))
        for column in sorted(columns)
        if column not in _NOT_CONTENT
    )
