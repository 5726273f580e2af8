"""Incoming rows into a DuckDB table: each key once, the newest row wins, in any order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from sojourn.warehouse.catalog import DISCARDS_TABLE, SQL, quoted

_KEYS = {DISCARDS_TABLE: ("row_id", "column_name", "table_name")}
_KEY = ("id",)
_NOT_CONTENT = frozenset(("uuid_ts",))


@dataclass(frozen=True)
class Merged:
    """What became of incoming rows."""

    inserted: int
    duplicates: int


class Merger:
    """Merges Arrow tables into tables of one connection, in whatever transaction that is in."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def merge(
        self, namespace: str, table: str, incoming: pa.Table, columns: Collection[str]
    ) -> Merged:
        """Put rows into a table whose columns are `columns`."""
        name = quoted(namespace, table)
        self._connection.register("incoming", incoming)
        try:
            return self._merge(name, _KEYS.get(table, _KEY), incoming, columns)
        finally:
            self._connection.unregister("incoming")

    def _merge(
        self, name: str, key: tuple[str, ...], incoming: pa.Table, columns: Collection[str]
    ) -> Merged:
        same_key = " AND ".join(f"t.{quoted(part)} = i.{quoted(part)}" for part in key)
        if _all_different(incoming, key) and not self._count(
            SQL["any_known"].format(table=name, same_key=same_key)
        ):
            self._connection.execute(SQL["insert_all"].format(table=name))
            return Merged(incoming.num_rows, 0)
        here = incoming.column_names
        self._connection.execute(
            SQL["newest_of_each"].format(
                key=", ".join(map(quoted, key)), content=_content(here, "incoming")
            )
        )
        older = SQL["delete_older"].format(
            table=name,
            same_key=same_key,
            content_of_t=_content(columns, "t"),
            content_of_i=_content(here, "i"),
        )
        deleted = self._count(older)
        unknown = SQL["insert_unknown"].format(table=name, same_key=same_key)
        inserted = self._count(unknown) - deleted
        self._connection.execute(SQL["drop_newest"])
        return Merged(inserted, incoming.num_rows - inserted)

    def touch_users(self, namespace: str, identifies: pa.Table) -> None:
        """Note whose `users` row will change. Call it before `identifies` are merged."""
        self._connection.register("incoming", identifies)
        try:
            name = quoted(namespace, "identifies")
            self._connection.execute(SQL["touched_users"].format(identifies=name))
        finally:
            self._connection.unregister("incoming")

    def renew_users(self, namespace: str, columns: Iterable[str]) -> None:
        """Make the touched rows of `users`, whose columns are `columns`, from `identifies`."""
        newest = ",\n    ".join(
            SQL["newest_value"].format(column=quoted(column))
            for column in columns
            if column != "id"
        )
        names = {
            "users": quoted(namespace, "users"),
            "identifies": quoted(namespace, "identifies"),
        }
        self._connection.execute(SQL["delete_touched_users"].format(**names))
        self._connection.execute(SQL["insert_touched_users"].format(newest_values=newest, **names))
        self._connection.execute(SQL["drop_touched"])

    def _count(self, sql: str) -> int:
        row = self._connection.execute(sql).fetchone()
        return int(row[0]) if row else 0


def _all_different(incoming: pa.Table, key: tuple[str, ...]) -> bool:
    parts = [incoming.column(part).to_pylist() for part in key]
    return len(set(zip(*parts, strict=True))) == len(parts[0])


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _content(columns: Collection[str], alias: str) -> str:
    """An expression for all that a row holds, whatever columns came when: nulls leave no trace."""
    parts = (
        SQL["content_part"].format(
            alias=alias, column=quoted(column), text=column.replace("'", "''")
        )
        for column in sorted(columns)
        if column not in _NOT_CONTENT
    )
    return f"concat_ws(chr(31), {', '.join(parts)})"
