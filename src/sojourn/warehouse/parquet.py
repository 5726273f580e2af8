"""The warehouse as Parquet files in a folder or an object store: a plain data lake.

    FOLDER/<namespace>/<table>/received_date=2026-11-24/rows.parquet
    FOLDER/<namespace>/users/rows.parquet

One file per table and day of receipt. A load writes the files of the days that it has events of
anew, each atomically; a load that failed is made good by loading again. Files of different days
may have different columns: read them by name (`read_parquet(…, union_by_name = true)`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs
import pyarrow.parquet

from sojourn.core.erasure import People
from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.warehouse.erasing import Columns, Erased
from sojourn.warehouse.erasing_files import ids_in, rows_gone, spelled_in
from sojourn.warehouse.files import (
    FilesEngine,
    Waiting,
    arrow_schema,
    lake_dialect,
    newest_of,
    of_users,
    user_ids,
    users_of,
)
from sojourn.warehouse.growth import Key, key_of
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.portion import Sources
from sojourn.warehouse.sql_tables import SqlTables
from sojourn.warehouse.transform import TableChange

PROVIDERS_BY_SCHEME: Mapping[str, str] = {
    "gs": "gcs_datalake",
    "gcs": "gcs_datalake",
    "abfs": "azure_datalake",
    "abfss": "azure_datalake",
}
"""Whose rules of names apply; those of S3 for everything else."""
_SCHEMA = "_schema.json"
_ROWS = "rows.parquet"
_USERS = "users"
_BUCKETS = 16
"""Files of a table whose rows are replaced by the visitor that they belong to."""


class ParquetFolder:
    """Implements `Growth` and `Merger` on files. `_schema.json` beside them has the types."""

    def __init__(self, url: str) -> None:
        """`url`: a path, or `s3://…`, `gs://…` as Arrow takes it. Raises `InvalidSettings`."""
        try:
            self._files, self._root = pyarrow.fs.FileSystem.from_uri(url)
        except (pa.ArrowInvalid, OSError) as error:
            raise InvalidSettings(f"url {url!r} is no folder that Arrow knows: {error}") from None
        self._local = isinstance(self._files, pyarrow.fs.LocalFileSystem)

    def columns(self, namespace: str) -> list[tuple[str, str, str]]:
        """Table, column and our type, of all columns of a namespace."""
        found: list[tuple[str, str, str]] = []
        with _watched():
            for entry in self._list(self._path(namespace)):
                path = f"{entry.path}/{_SCHEMA}"
                if self._files.get_file_info(path).type == pyarrow.fs.FileType.File:
                    with self._files.open_input_stream(path) as stream:
                        types = json.loads(stream.read())
                    table = entry.base_name
                    found += [(table, column, kind) for column, kind in types.items()]
        return found

    def apply(
        self, namespace: str, changes: Mapping[str, TableChange], key: Key | None = None
    ) -> None:
        """Make the namespace and its tables, or widen them."""
        del key
        known: dict[str, dict[str, str]] = {}
        for table, column, kind in self.columns(namespace):
            known.setdefault(table, {})[column] = kind
        for table, change in changes.items():
            types = {**known.get(table, {}), **change.add, **change.alter}
            self.write(self._path(namespace, table, _SCHEMA), json.dumps(types).encode())

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Waiting:
        """Keep rows until they are merged."""
        del number, key
        return Waiting(namespace, table, incoming)

    def merge(self, staged: Waiting, columns: Mapping[str, str]) -> Merged:
        """Put rows into the files of their days, each key once a day."""
        schema = arrow_schema(dict(columns))
        days = pc.strftime(staged.rows.column("received_at"), "%Y-%m-%d").combine_chunks()
        added = 0
        for day in pc.unique(days).to_pylist():
            rows = staged.rows.filter(pc.equal(days, day))
            path = self._path(staged.namespace, staged.table, f"received_date={day}", _ROWS)
            added += self._merge_into(path, rows, schema, key_of(staged.table))
        return Merged(added, staged.rows.num_rows - added)

    def touch_users(self, identifies: Waiting) -> Collection[str]:
        """Whose `users` row will change."""
        return user_ids(identifies.rows)

    def renew_users(self, namespace: str, columns: Any, touched: Collection[str]) -> None:
        """Make the touched rows of `users` anew from all files of `identifies`."""
        files = [
            entry.path
            for entry in self._list(self._path(namespace, "identifies"), recursive=True)
            if entry.base_name == _ROWS
        ]
        parts = [of_users(self._read(path), touched) for path in files]
        whole = pa.concat_tables(parts, promote_options="permissive")
        renewed = users_of(whole, columns)
        path = self._path(namespace, _USERS, _ROWS)
        there = self._read(path)
        if there is not None:
            others = there.filter(pc.invert(pc.is_in(there.column("id"), renewed.column("id"))))
            renewed = pa.concat_tables([others, renewed], promote_options="permissive")
        self._write_rows(path, renewed)

    def replace(self, staged: Waiting, column: str, values: Sequence[int]) -> None:
        """Put rows in the place of those whose `column` has one of `values`."""
        gone = pa.array(values, pa.int64())
        numbers = pc.bit_wise_and(staged.rows.column(column), _BUCKETS - 1)
        for bucket in sorted({value % _BUCKETS for value in values}):
            path = self._path(staged.namespace, staged.table, f"bucket={bucket}", _ROWS)
            rows = staged.rows.filter(pc.equal(numbers, bucket))
            there = self._read(path)
            if there is not None:
                kept = there.filter(pc.invert(pc.is_in(there.column(column), gone)))
                rows = pa.concat_tables([kept, rows], promote_options="permissive")
            self._write_rows(path, rows)

    def erase(
        self, namespace: str, tables: Columns, people: People, devices: Collection[str]
    ) -> Erased:
        """Write every file anew that has rows of the people, without them."""
        with _watched():
            paths = {
                table: [
                    entry.path
                    for entry in self._list(self._path(namespace, table), recursive=True)
                    if entry.base_name == _ROWS
                ]
                for table in tables
            }
        erased = Erased()
        users = set(people.user_ids)
        for table, files in paths.items():
            for path in files:
                rows = self._read(path)
                if rows is not None:
                    users |= spelled_in(table, rows, people)
                    erased.ids |= ids_in(table, rows, users, devices)
        for table, files in paths.items():
            for path in files:
                rows = self._read(path)
                gone = None if rows is None else rows_gone(table, rows, users, devices, erased.ids)
                if rows is not None and gone is not None and (count := pc.sum(gone).as_py()):
                    self._write_rows(path, rows.filter(pc.invert(gone)))
                    name = f"{namespace}.{table}"
                    erased.rows[name] = erased.rows.get(name, 0) + count
        return erased

    def write(self, path: str, content: bytes) -> None:
        """Write one file so that readers see the old one or the new one, whole."""
        with _watched():
            if self._local:
                self._files.create_dir(path.rpartition("/")[0], recursive=True)
                with self._files.open_output_stream(f"{path}.new") as stream:
                    stream.write(content)
                self._files.move(f"{path}.new", path)
            else:  # an object appears when it is complete
                with self._files.open_output_stream(path) as stream:
                    stream.write(content)

    def _merge_into(
        self, path: str, rows: pa.Table, schema: pa.Schema, key: tuple[str, ...]
    ) -> int:
        there = self._read(path)
        before = 0 if there is None else there.num_rows
        merged = newest_of([rows] if there is None else [there, rows], key)
        fields = [schema.field(name) for name in schema.names if name in merged.column_names]
        merged = merged.select([field.name for field in fields]).cast(pa.schema(fields))
        if there is None or not merged.equals(there):
            self._write_rows(path, merged)
        return int(merged.num_rows - before)

    def _write_rows(self, path: str, rows: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pyarrow.parquet.write_table(rows, sink, compression="zstd")
        self.write(path, sink.getvalue().to_pybytes())

    def _read(self, path: str) -> pa.Table | None:
        with _watched():
            if self._files.get_file_info(path).type != pyarrow.fs.FileType.File:
                return None
            with self._files.open_input_file(path) as file:
                return pyarrow.parquet.ParquetFile(file).read()

    def _list(self, path: str, recursive: bool = False) -> list[Any]:
        selector = pyarrow.fs.FileSelector(path, allow_not_found=True, recursive=recursive)
        found: list[Any] = self._files.get_file_info(selector)
        return found

    def _path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))


class ParquetTables(SqlTables):
    """Tables of events as Parquet files, merged by key within each day of receipt."""

    def __init__(
        self,
        folder: ParquetFolder,
        sources: Sources,
        options: Mapping[str, Any] | None = None,
        provider: str = "s3_datalake",
    ) -> None:
        """`provider`: whose rules apply, one of the data lakes of `PROVIDERS`."""
        super().__init__(FilesEngine(lake_dialect(provider)), folder, folder, sources, options)
        self._folder = folder

    def _erase(
        self, namespace: str, tables: Columns, people: People, devices: Collection[str]
    ) -> Erased:
        return self._folder.erase(namespace, tables, people, devices)


@contextmanager
def _watched() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WarehouseUnavailable(f"Parquet files: {error}") from error
