"""Merging in PostgreSQL: rows that are new are copied into their table directly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sojourn.warehouse.growth import Key, key_of
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.sql_merging import SqlMerger, Staged, all_different


@dataclass(frozen=True)
class Announced(Staged):
    """Rows of which only the keys lie in a temporary table."""

    rows: pa.Table
    number: str


class PostgresMerger(SqlMerger):
    """Sends keys first. If the table has none of them, the rows need no staging.

    PostgreSQL makes temporary tables within transactions, so rows are staged only when the
    transaction has found that they must be.
    """

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Announced:
        """Copy the keys of rows into a temporary table."""
        columns = [*(key or key_of(table))]
        if table == "identifies" and "user_id" in incoming.column_names:
            columns.append("user_id")
        name = self._name(f"sojourn_keys_{number}")
        target = self._name(namespace, table)
        self._make(name, "create_staging", table=target, columns=self._list(columns))
        self._engine.fill(name, incoming.select(columns))
        self._engine.run(self._sql("analyse", table=name))
        count = incoming.num_rows
        return Announced(namespace, table, incoming.column_names, count, name, incoming, number)

    def merge(self, staged: Staged, columns: Mapping[str, str]) -> Merged:
        """Put rows into their table, whose columns and types are `columns`."""
        assert isinstance(staged, Announced)
        key = key_of(staged.table)
        target = self._name(staged.namespace, staged.table)
        known = self._sql(
            "any_known", table=target, staged=staged.name, same_key=self._same_key(key)
        )
        if all_different(staged.rows, key) and not self._engine.rows(known):
            self._engine.fill(target, staged.rows)
            return Merged(staged.count, 0)
        whole = super().stage(staged.number, staged.namespace, staged.table, staged.rows)
        return super().merge(whole, columns)

    def replace(self, staged: Staged, column: str, values: Sequence[int]) -> None:
        """Put rows in the place of those whose `column` has one of `values`."""
        assert isinstance(staged, Announced)
        self._delete_values(staged, column, values)
        self._engine.fill(self._name(staged.namespace, staged.table), staged.rows)
