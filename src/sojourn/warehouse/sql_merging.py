"""Incoming rows into the tables of a SQL warehouse: each key once, the newest row wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sojourn.warehouse.engine import Engine
from sojourn.warehouse.growth import Key, key_of
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.statements import Statements

_NOT_CONTENT = frozenset(("uuid_ts", "loaded_at"))
_ID, _USER_ID, _RECEIVED_AT = "id", "user_id", "received_at"


@dataclass(frozen=True)
class Staged:
    """Rows of one load that lie in a temporary table."""

    namespace: str
    table: str
    columns: Sequence[str]
    count: int
    name: str
    """Of the temporary table, for SQL text."""


class SqlMerger:
    """Stages rows, then merges them: in any order of arrival the tables end up the same.

    `stage` belongs before the transaction, since some warehouses end one at every CREATE.
    """

    def __init__(self, engine: Engine, statements: Statements) -> None:
        self._engine = engine
        self._name = engine.dialect.name
        self._sql = statements

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Staged:
        """Copy rows into a temporary table, each key once. `number` names the table."""
        columns, key = incoming.column_names, key or key_of(table)
        booleans = {field.name for field in incoming.schema if pa.types.is_boolean(field.type)}
        staged = self._name(f"sojourn_staged_{number}")
        target = self._name(namespace, table)
        self._make(staged, "create_staging", table=target, columns=self._list(columns))
        self._engine.fill(staged, incoming)
        if not all_different(incoming, key):
            newest = self._name(f"sojourn_newest_{number}")
            parts = {
                "newest": newest,
                "columns": self._list(columns),
                "key": self._list(key),
                "received_at": self._name(_RECEIVED_AT),
                "content": self._content(columns, booleans, "s"),
            }
            self._engine.run(self._sql("drop_staging", staged=newest))
            self._engine.run(self._sql("newest_of_each", staged=staged, **parts))
            staged = newest
        return Staged(namespace, table, columns, incoming.num_rows, staged)

    def merge(self, staged: Staged, columns: Mapping[str, str]) -> Merged:
        """Put staged rows into their table, whose columns and types are `columns`."""
        booleans = {name for name, kind in columns.items() if kind == "boolean"}
        target = self._name(staged.namespace, staged.table)
        same_key = self._same_key(key_of(staged.table))
        deleted = self._engine.run(
            self._sql(
                "delete_older",
                table=target,
                staged=staged.name,
                same_key=same_key,
                key=self._list(key_of(staged.table)),
                key_of_t=", ".join(f"t.{self._name(part)}" for part in key_of(staged.table)),
                received_at=self._name(_RECEIVED_AT),
                content_of_t=self._content(columns, booleans, "t"),
                content_of_s=self._content(staged.columns, booleans, "s"),
            )
        )
        added = self._engine.run(
            self._sql(
                "insert_unknown",
                table=target,
                staged=staged.name,
                same_key=same_key,
                columns=self._list(staged.columns),
            )
        )
        return Merged(added - deleted, staged.count - (added - deleted))

    def replace(self, staged: Staged, column: str, values: Sequence[int]) -> None:
        """Put staged rows in the place of those whose `column` has one of `values`."""
        self._delete_values(staged, column, values)
        table = self._name(staged.namespace, staged.table)
        columns = self._list(staged.columns)
        self._engine.run(self._sql("insert_all", table=table, staged=staged.name, columns=columns))

    def _delete_values(self, staged: Staged, column: str, values: Sequence[int]) -> None:
        table = self._name(staged.namespace, staged.table)
        gone = ", ".join(map(str, values))
        name = self._name(column)
        self._engine.run(self._sql("delete_values", table=table, column=name, values=gone))

    def touch_users(self, identifies: Staged) -> str:
        """Note whose `users` row will change, in a temporary table, before they are merged.

        Returns its name, for SQL text.
        """
        touched = self._name(f"sojourn_touched_{identifies.namespace}"[:63])
        self._make(
            touched,
            "create_touched",
            touched=touched,
            staged=identifies.name,
            identifies=self._name(identifies.namespace, identifies.table),
            id=self._name(_ID),
            user_id=self._name(_USER_ID),
        )
        return touched

    def renew_users(self, namespace: str, columns: Iterable[str], touched: str) -> None:
        """Make the touched rows of `users` from `identifies`; both have the columns `columns`."""
        values = [column for column in columns if column != _ID]
        names = {
            "users": self._name(namespace, "users"),
            "identifies": self._name(namespace, "identifies"),
            "touched": touched,
            "id": self._name(_ID),
            "user_id": self._name(_USER_ID),
        }
        newest = (
            self._sql.part(
                "newest_value",
                column=self._name(column),
                received_at=self._name(_RECEIVED_AT),
                id=names["id"],
                user_id=names["user_id"],
            )
            for column in values
        )
        self._engine.run(self._sql("delete_touched_users", **names))
        self._engine.run(
            self._sql(
                "insert_touched_users",
                columns=self._list([_ID, *values]),
                newest_values=", ".join(newest),
                **names,
            )
        )

    def _make(self, temporary: str, query: str, **parts: str) -> None:
        self._engine.run(self._sql("drop_staging", staged=temporary))
        self._engine.run(self._sql(query, **{"staged": temporary, **parts}))

    def _same_key(self, key: Key) -> str:
        return " AND ".join(f"t.{self._name(part)} = s.{self._name(part)}" for part in key)

    def _list(self, columns: Iterable[str]) -> str:
        return ", ".join(self._name(column) for column in columns)

    def _content(self, columns: Iterable[str], booleans: Collection[str], alias: str) -> str:
        """An expression for all that a row holds, in an order of its own."""
        return " || ".join(
            self._sql.part(
                "content_boolean" if column in booleans else "content_part",
                alias=alias,
                column=self._name(column),
                text=column.replace("'", "''"),
            )
            for column in sorted(columns)
            if column not in _NOT_CONTENT
        )


def all_different(incoming: pa.Table, key: Key) -> bool:
    """Whether no key is there twice."""
    parts = [incoming.column(part).to_pylist() for part in key]
    return len(set(zip(*parts, strict=True))) == len(parts[0])
