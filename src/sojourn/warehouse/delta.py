"""The warehouse as Delta Lake tables in a folder or an object store.

    FOLDER/<namespace>/<table>

Each table is merged by key in one commit of its own; a load that failed between two tables is
made good by loading again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.fs

from sojourn.core.erasure import People
from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.warehouse.erasing import Columns, Erased, gone_by
from sojourn.warehouse.erasing_files import ids_in, spelled_in
from sojourn.warehouse.files import (
    FilesEngine,
    Waiting,
    arrow_schema,
    lake_dialect,
    newest_of,
    our_type,
    user_ids,
    users_of,
)
from sojourn.warehouse.growth import Key, key_of
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.parts import imported
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.queries import named_queries
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.transform import TableChange

PROVIDER = "deltalake"
_SQL = named_queries("sql/delta.sql")
_NOT_CONTENT = frozenset(("uuid_ts",))
_USERS = "users"
_TELLING = ("id", "user_id", "anonymous_id", "previous_id", "received_at", "uuid_ts")
"""Columns that tell whose a row is, and that it is one of an event."""


class DeltaFolder:
    """Implements `Growth` and `Merger` on Delta tables, with delta-rs."""

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        """`url`: a path, or `s3://…`, `gs://…`, `abfss://…`; `storage_options` as delta-rs has
        them. Raises `MissingPart` without the package, `InvalidSettings` for a bad folder."""
        self._delta = imported("deltalake", "Delta Lake", "delta")
        self._url = url.rstrip("/")
        self._options = dict(storage_options or {})
        try:
            self._files, self._root = pyarrow.fs.FileSystem.from_uri(self._url)
        except (pa.ArrowInvalid, OSError) as error:
            raise InvalidSettings(f"url {url!r} is no folder that Arrow knows: {error}") from None
        if isinstance(self._files, pyarrow.fs.LocalFileSystem):
            os.makedirs(self._root, exist_ok=True)

    def columns(self, namespace: str) -> list[tuple[str, str, str]]:
        """Table, column and our type, of all columns of a namespace."""
        found: list[tuple[str, str, str]] = []
        with self._watched():
            selector = pyarrow.fs.FileSelector(f"{self._root}/{namespace}", allow_not_found=True)
            for entry in self._files.get_file_info(selector):
                table = entry.base_name
                if self._delta.DeltaTable.is_deltatable(self._uri(namespace, table), self._options):
                    schema = pa.schema(self._open(namespace, table).schema().to_arrow())
                    found += [(table, field.name, our_type(field.type)) for field in schema]
        return found

    def apply(
        self, namespace: str, changes: Mapping[str, TableChange], key: Key | None = None
    ) -> None:
        """Make the namespace's tables, or widen them."""
        del key
        with self._watched():
            for table, change in changes.items():
                uri = self._uri(namespace, table)
                schema = arrow_schema(change.add)
                if self._delta.DeltaTable.is_deltatable(uri, self._options):
                    fields = self._delta.Schema.from_arrow(schema).fields
                    self._open(namespace, table).alter.add_columns(fields)
                else:
                    self._delta.DeltaTable.create(
                        uri, schema, mode="ignore", storage_options=self._options
                    )

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Waiting:
        """Keep rows until they are merged."""
        del number, key
        return Waiting(namespace, table, incoming)

    def merge(self, staged: Waiting, columns: Mapping[str, str]) -> Merged:
        """Put rows into their table, each key once: the newest, else the greatest in content."""
        newer = _SQL["newer"].format(
            content_of_s=_content(columns, "s"), content_of_t=_content(columns, "t")
        )
        count = staged.rows.num_rows
        newest = newest_of([staged.rows], key_of(staged.table))
        inserted = self._merge(replace(staged, rows=newest), columns, newer)
        return Merged(inserted, count - inserted)

    def touch_users(self, identifies: Waiting) -> Collection[str]:
        """Whose `users` row will change."""
        there = self._where(identifies.namespace, "id", identifies.rows.column("id").to_pylist())
        return user_ids(identifies.rows) | user_ids(there)

    def renew_users(self, namespace: str, columns: Any, touched: Collection[str]) -> None:
        """Make the touched rows of `users` anew from `identifies`."""
        identifies = self._where(namespace, "user_id", touched)
        renewed = Waiting(namespace, _USERS, users_of(identifies, columns))
        gone = sorted(set(touched) - set(renewed.rows.column("id").to_pylist()))
        with self._watched():
            table = self._open(namespace, _USERS)
            if gone:
                table.delete(f"id IN ({', '.join(map(_text, gone))})")
            types = {f.name: our_type(f.type) for f in pa.schema(table.schema().to_arrow())}
        self._merge(renewed, types, "true")

    def replace(self, staged: Waiting, column: str, values: Sequence[int]) -> None:
        """Put rows in the place of those whose `column` has one of `values`."""
        with self._watched():
            table = self._open(staged.namespace, staged.table)
            table.delete(f"{column} IN ({', '.join(map(str, values))})")
            self._delta.write_deltalake(table, staged.rows, mode="append", schema_mode="merge")

    def erase(
        self, namespace: str, tables: Columns, people: People, devices: Collection[str]
    ) -> Erased:
        """Delete the people's rows, and the files that older versions of the tables have."""
        erased = Erased()
        users = set(people.user_ids)
        with self._watched():
            for table in tables:
                rows = self._open(namespace, table).to_pyarrow_table(columns=_naming(tables[table]))
                users |= spelled_in(table, _plain(rows), people)
                erased.ids |= ids_in(table, _plain(rows), users, devices)
            for table, columns in tables.items():
                count = 0
                opened = self._open(namespace, table)
                for column, values in gone_by(table, columns, users, devices, erased.ids).items():
                    if values:
                        listed = ", ".join(map(_text, sorted(values)))
                        done = opened.delete(f"{column} IN ({listed})")
                        count += int(done["num_deleted_rows"] or 0)
                if count:
                    erased.rows[f"{namespace}.{table}"] = count
                opened.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        return erased

    def _merge(self, rows: Waiting, columns: Mapping[str, str], newer: str) -> int:
        """How many rows are new. Rows replace those of the same key where `newer` says so."""
        schema = arrow_schema(dict(columns))
        whole = pa.table(
            [
                rows.rows.column(name).cast(schema.field(name).type)
                if name in rows.rows.column_names
                else pa.nulls(rows.rows.num_rows, schema.field(name).type)
                for name in schema.names
            ],
            schema=schema,
        )
        same_key = " AND ".join(f'"t"."{part}" = "s"."{part}"' for part in key_of(rows.table))
        with self._watched():
            done = (
                self._open(rows.namespace, rows.table)
                .merge(whole, same_key, source_alias="s", target_alias="t")
                .when_matched_update_all(newer)
                .when_not_matched_insert_all()
                .execute()
            )
        return int(done["num_target_rows_inserted"])

    def _where(self, namespace: str, column: str, values: Collection[str]) -> pa.Table:
        """Rows of `identifies`."""
        sql = _SQL["identifies_where"].format(
            column=column, values=", ".join(map(_text, sorted(values)))
        )
        with self._watched():
            builder = self._delta.QueryBuilder()
            builder.register("identifies", self._open(namespace, "identifies"))
            return _plain(pa.table(builder.execute(sql).read_all()))

    def _open(self, namespace: str, table: str) -> Any:
        return self._delta.DeltaTable(
            self._uri(namespace, table), storage_options=self._options or None
        )

    def _uri(self, namespace: str, table: str) -> str:
        return f"{self._url}/{namespace}/{table}"

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Losses of the store, and commits that another loader came before, may work again."""
        errors = self._delta.exceptions
        try:
            yield
        except (OSError, errors.CommitFailedError) as error:
            raise WarehouseUnavailable(f"Delta Lake: {error}") from error


class DeltaTables(SqlTables):
    """Tables of events as Delta tables, merged by key."""

    def __init__(
        self, folder: DeltaFolder, sources: Sources, options: Mapping[str, Any] | None = None
    ) -> None:
        """`folder`: where the tables lie."""
        super().__init__(FilesEngine(lake_dialect(PROVIDER)), folder, folder, sources, options)
        self._folder = folder

    def _erase(
        self, namespace: str, tables: Columns, people: People, devices: Collection[str]
    ) -> Erased:
        return self._folder.erase(namespace, tables, people, devices)


def _naming(columns: Collection[str]) -> list[str]:
    """What an erasure has to read of a table."""
    return [name for name in _TELLING if name in columns]


def _plain(rows: pa.Table) -> pa.Table:
    """Texts as Arrow usually has them: the query engine gives views."""
    fields = [
        pa.field(f.name, pa.string() if pa.types.is_string_view(f.type) else f.type)
        for f in rows.schema
    ]
    return rows.cast(pa.schema(fields))


def _content(columns: Collection[str], alias: str) -> str:
    parts = (
        _SQL["content_part"].format(alias=alias, column=column, text=column)
        for column in sorted(columns)
        if column not in _NOT_CONTENT
    )
    return f"concat({', '.join(parts)})"


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
