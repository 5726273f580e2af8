"""The tables that a DuckDB warehouse has, and how they grow."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from sojourn.warehouse.queries import named_queries
from sojourn.warehouse.transform import TableChange, evolve

SQL = named_queries("duckdb.sql")
DUCKDB_TYPES: Mapping[str, str] = {
    "int": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "text": "VARCHAR",
    "json": "JSON",
    "datetime": "TIMESTAMP WITH TIME ZONE",
}
_OUR_TYPES = {name: ours for ours, name in DUCKDB_TYPES.items() if ours != "text"}
# Types that people give columns by hand.
_OUR_TYPES.update(dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "HUGEINT", "UBIGINT"), "int"))
_OUR_TYPES.update(dict.fromkeys(("FLOAT",), "float"))
_OUR_TYPES.update(dict.fromkeys(("TIMESTAMP", "TIMESTAMP_MS", "DATE"), "datetime"))
_USERS, _IDENTIFIES = "users", "identifies"

Types = dict[str, str]
"""Column to type, in Sojourn's words: int, float, boolean, string, text, json, datetime."""


def quoted(*parts: str) -> str:
    """A name for SQL text, its parts joined by dots."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


class Catalog:
    """The columns of all tables by namespace; kept in step with the database by `load`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tables: dict[str, dict[str, Types]] = {}
        self.load()

    def load(self) -> None:
        """Read the tables anew: at the start, and after a transaction was rolled back."""
        self._tables = {}
        for namespace, table, column, data_type in self._connection.execute(
            SQL["columns"]
        ).fetchall():
            tables = self._tables.setdefault(namespace, {})
            tables.setdefault(table, {})[column] = _our_type(data_type)

    def types(self, namespace: str, table: str) -> Mapping[str, str]:
        """The columns of a table; none if it is not there."""
        return self._tables.get(namespace, {}).get(table, {})

    def admit(self, namespace: str, wanted: Mapping[str, Types]) -> None:
        """Make or widen the namespace's tables, so that they have all the columns of `wanted`."""
        there = self._tables.get(namespace, {})
        if all(types.keys() <= there.get(table, {}).keys() for table, types in wanted.items()):
            return
        upload = dict(wanted)
        if _IDENTIFIES in upload or _USERS in upload:
            # The two share their columns, those of earlier loads included.
            for table in (_IDENTIFIES, _USERS):
                if table in there or table in upload:
                    upload[table] = {**there.get(table, {}), **upload.get(table, {})}
        _, changes = evolve(there, [upload], "duckdb")
        self._connection.execute(SQL["create_schema"].format(schema=quoted(namespace)))
        for table, change in changes.items():
            self._apply(namespace, table, change)

    def _apply(self, namespace: str, table: str, change: TableChange) -> None:
        types = self._tables.setdefault(namespace, {}).setdefault(table, {})
        name = quoted(namespace, table)
        columns = [f"{quoted(column)} {DUCKDB_TYPES[kind]}" for column, kind in change.add.items()]
        if change.create:
            sql = SQL["create_table"].format(table=name, columns=", ".join(columns))
            self._connection.execute(sql)
        else:
            for column in columns:
                self._connection.execute(SQL["add_column"].format(table=name, column=column))
        types.update(change.add)


def _our_type(data_type: str) -> str:
    if data_type.startswith("DECIMAL"):
        return "float"
    return _OUR_TYPES.get(data_type, "string")
