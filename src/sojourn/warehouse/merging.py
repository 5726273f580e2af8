"""Incoming rows into DuckDB tables: each key once, the newest row wins, in any order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sojourn.warehouse.catalog import SQL, Catalog, quoted
from sojourn.warehouse.transform import DISCARDS_TABLE
from sojourn.warehouse.users import IDENTIFIES, USER_ID, USERS, UsersRenewal, incoming

_NOT_CONTENT = frozenset(("uuid_ts",))


@dataclass(frozen=True)
class Merged:
    """What became of incoming rows."""

    inserted: int
    duplicates: int


class Merger:
    """Merges Arrow tables into the tables of one connection, within its transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog
        connection.execute(SQL["prepare"])

    def merge(self, namespace: str, tables: Mapping[str, pa.Table]) -> Merged:
        """Put rows into the tables of a namespace, which have all their columns."""
        suspects = self._suspects(namespace, tables)
        inserted = duplicates = 0
        for table, rows in tables.items():
            merged = self._merge(namespace, table, rows, suspects)
            if table != DISCARDS_TABLE:
                inserted += merged.inserted
                duplicates += merged.duplicates
        return Merged(inserted, duplicates)

    def known(self, namespace: str, ids: Sequence[str]) -> set[str]:
        """Which of the ids are in some table of a namespace, or were."""
        hashed = self._hashed(namespace, pa.array(ids, pa.string()))
        found: list[str] = self._known(hashed).to_pylist()
        return set(found)

    def _suspects(self, namespace: str, tables: Mapping[str, pa.Table]) -> pa.Array:
        """The ids that were there before, or come twice; all others are remembered."""
        columns = [rows["id"] for table, rows in tables.items() if table != DISCARDS_TABLE]
        twice = [_repeated(column) for column in columns]
        ids = pc.unique(pa.chunked_array([chunk for c in columns for chunk in c.chunks]))
        hashed = self._hashed(namespace, ids)
        known = self._known(hashed)
        with self._incoming(hashed.filter(pc.invert(pc.is_in(hashed["id"], known)))):
            self._connection.execute(SQL["remember_ids"]).fetchall()
        return pc.unique(pa.concat_arrays([known, *twice]))

    def _hashed(self, namespace: str, ids: pa.Array) -> pa.Table:
        with self._incoming(pa.table({"id": ids})):
            hashed = self._connection.sql(SQL["hashed_ids"], params={"namespace": namespace})
            return hashed.to_arrow_table()

    def _known(self, hashed: pa.Table) -> pa.Array:
        with self._incoming(hashed):
            found = self._connection.execute(SQL["known_ids"]).fetchall()
        return pa.array([row[0] for row in found], pa.string())

    def _merge(self, namespace: str, table: str, rows: pa.Table, suspects: pa.Array) -> Merged:
        users = None
        if (
            table == IDENTIFIES
            and USER_ID in rows.column_names
            and self._catalog.types(namespace, USERS)
        ):
            users = UsersRenewal(self._connection, self._catalog, namespace, rows)
            users.note(replacing=len(suspects) > 0)
        key = "row_id" if table == DISCARDS_TABLE else "id"
        suspect = pc.is_in(rows[key], suspects)
        merged = Merged(rows.num_rows, 0)
        if pc.any(suspect).as_py():
            fresh = rows.filter(pc.invert(suspect))
            replaced = self._replace(namespace, table, rows.filter(suspect))
            merged = Merged(fresh.num_rows + replaced.inserted, replaced.duplicates)
            rows = fresh
        if rows.num_rows:
            with self._incoming(rows):
                self._connection.execute(SQL["insert_all"].format(table=quoted(namespace, table)))
        if users is not None:
            users.renew()
        return merged

    def _replace(self, namespace: str, table: str, rows: pa.Table) -> Merged:
        """Merge rows whose keys may be in the table, or more than once among them."""
        key = _DISCARDS_KEY if table == DISCARDS_TABLE else ("id",)
        columns = self._catalog.types(namespace, table)
        words = {
            "table": quoted(namespace, table),
            "key": ", ".join(map(quoted, key)),
            "same_key": " AND ".join(f"t.{quoted(part)} = i.{quoted(part)}" for part in key),
            "content": _content(rows.column_names, "incoming"),
            "content_of_i": _content(rows.column_names, "i"),
            "content_of_t": _content(columns, "t"),
        }
        with self._incoming(rows):
            self._count(SQL["newest_of_each"].format(**words))
            deleted = self._count(SQL["delete_older"].format(**words))
            inserted = self._count(SQL["insert_unknown"].format(**words)) - deleted
            self._connection.execute(SQL["drop_newest"])
        return Merged(inserted, rows.num_rows - inserted)

    def _incoming(self, rows: pa.Table) -> AbstractContextManager[None]:
        return incoming(self._connection, rows)

    def _count(self, sql: str) -> int:
        """Run a statement; how many rows it was about."""
        rows = self._connection.execute(sql).fetchall()
        return int(rows[0][0]) if rows else 0


_DISCARDS_KEY = ("row_id", "column_name", "table_name")


def _repeated(ids: pa.ChunkedArray) -> pa.Array:
    counts = pc.value_counts(ids)
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _content(columns: Collection[str], alias: str) -> str:
    """An expression for all that a row holds, whatever columns came when: nulls leave no trace."""
    parts = (
        SQL["content_part"].format(alias=alias, column=quoted(column), text=_escaped(column))
        for column in sorted(columns)
        if column not in _NOT_CONTENT
    )
    return f"concat_ws(chr(31), {', '.join(parts)})"
