"""The warehouse in one DuckDB file: `sojourn.core.ports.Tables`, embedded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from sojourn.core.erasure import People
from sojourn.core.errors import DataDirectoryInUse, InvalidSettings, WarehouseUnavailable
from sojourn.core.ports import Batch, Loaded, SessionModel
from sojourn.warehouse.catalog import Catalog
from sojourn.warehouse.intake import Intake
from sojourn.warehouse.merging import Merger
from sojourn.warehouse.portion import Sources, Workshop
from sojourn.warehouse.transform import Transformer

_AWAY = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException)
"""Errors of the machine, not of the events: the same load may work later."""

_LARGE_LOAD = 12 << 20
"""Bytes of events."""
_FREQUENT: Mapping[str, object] = {"wal_autocheckpoint": "64MB", "max_vacuum_tasks": 100}
_RARE: Mapping[str, object] = {"wal_autocheckpoint": "256MB", "max_vacuum_tasks": 0}
"""After how much is written there is a checkpoint, and how many groups of rows it may make larger,
for which it writes them anew: up to all there are, which took a fifth of the time of a large
backlog. Large loads make groups that are large enough, so they wait until there is less to do.
A restart after a crash reads what was written since the checkpoint again, in some seconds."""
_READING = ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN])


T = TypeVar("T")


class DuckDBTables:
    """Tables of events, one schema per source, and the sessions in `main`, in one DuckDB file.

    One `load` at a time, from any thread; any number of readers beside it, each on its own
    `cursor`. Raises `DataDirectoryInUse` if another process has the file.
    """

    def __init__(
        self,
        path: Path | None,
        sources: Sources,
        sessions: SessionModel | None = None,
        transformer: Transformer | None = None,
        memory_limit: str = "512MB",
    ) -> None:
        """`path`: the file, None for tables in memory. `sources` gives a source by its id."""
        self._path = path
        self._memory_limit = memory_limit
        self._transformer = transformer or Transformer("duckdb")
        self._sources = sources
        self._parent_lock = threading.Lock()
        self._lock = threading.Lock()
        self._sessions = sessions
        self._pace: Mapping[str, object] = {}
        self._open()

    def load(self, batches: Sequence[Batch], sessions: bool = True) -> Loaded:
        """Load events and renew the sessions that they touch, in one transaction.

        Loading the same events again changes nothing. Events that no table can take are in the
        answer's `aside`. Without `sessions`, the events are rows and nothing else: what is known
        of people, not what they did. Raises `WarehouseUnavailable` for disk or memory.
        """
        model = self._sessions if sessions else None
        load_time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._lock, self._transaction():
            self._set_pace(batches)
            intake = Intake(self._workshop, load_time, keep_events=model is not None)
            intake.take(batches)
            merged = [self._merger.merge(*tables) for tables in intake.tables().items()]
            if model is not None:
                for source_id, events in intake.events().items():
                    model.update(self._connection, source_id, events)
        if self._pace is not _RARE:  # the next load of a backlog is about to begin
            pa.default_memory_pool().release_unused()  # readers may need it meanwhile
        return Loaded(
            events=intake.count,
            inserted=sum(m.inserted for m in merged),
            duplicates=sum(m.duplicates for m in merged),
            discarded=intake.discarded,
            aside=tuple(intake.aside),
        )

    def _set_pace(self, batches: Sequence[Batch]) -> None:
        """Settings for loads of this size."""
        size = sum(len(line) for batch in batches for line in batch.events)
        wanted = _RARE if size >= _LARGE_LOAD else _FREQUENT
        if wanted is not self._pace:
            for name, value in wanted.items():
                self._connection.execute(f"SET GLOBAL {name} = '{value}'")
            self._pace = wanted

    def known(self, namespace: str, ids: Sequence[str]) -> set[str]:
        """Which ids have rows in the tables of a namespace, or had them."""
        with self._lock:
            return self._merger.known(namespace, ids)

    def widen(self, namespace: str, tables: Mapping[str, Mapping[str, str]]) -> None:
        """Make sure that tables have columns (name to `int`, `float`, `boolean`, `string`,
        `datetime`, `json`); a column that is there keeps its type."""
        with self._lock, self._transaction():
            self._catalog.admit(namespace, {name: dict(types) for name, types in tables.items()})

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for a reader, in any thread. The caller closes it."""
        with self._parent_lock:
            return self._parent.cursor()

    def query(self, sql: str, parameters: Any = None) -> pa.Table:
        """The rows that a SELECT gives."""
        cursor = self.cursor()
        try:
            relation = cursor.sql(sql, params=parameters)
            return relation.to_arrow_table() if relation is not None else pa.table({})
        finally:
            cursor.close()

    def query_read_only(self, sql: str) -> pa.Table:
        """The rows that one statement gives, which must not change anything.

        Raises `InvalidSettings` for a statement that is wrong, or that would write.
        """
        cursor = self.cursor()
        try:
            kinds = [statement.type for statement in cursor.extract_statements(sql)]
            if kinds not in _READING:
                raise InvalidSettings("give one SELECT statement")
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            relation = cursor.sql(sql)
            return relation.to_arrow_table() if relation is not None else pa.table({})
        except duckdb.Error as error:
            raise InvalidSettings(str(error)) from None
        finally:
            cursor.close()

    def exclusively(self, work: Callable[[duckdb.DuckDBPyConnection], T], keep: bool = True) -> T:
        """Run `work` in one transaction, while nothing is loaded; undone unless `keep`."""
        with self._lock:
            if keep:
                with self._transaction():
                    return work(self._connection)
            self._connection.begin()
            try:
                return work(self._connection)
            finally:
                self._roll_back()

    def erase(
        self, people: People, events: Collection[tuple[str, str]], source_ids: Collection[str]
    ) -> tuple[dict[str, int], set[tuple[str, str]]]:
        """Delete people's rows; see `sojourn.warehouse.duckdb_erasing.erase_rows`.

        For use within `exclusively`.
        """
        from sojourn.warehouse.duckdb_erasing import erase_rows  # brings an SQL parser: 8 MB

        return erase_rows(self._connection, people, events, source_ids, self._sources)

    def rewrite(self) -> None:
        """Write the file anew, so that nothing is left in it of deleted rows.

        Readers wait meanwhile. Raises `WarehouseUnavailable` while a reader still has a cursor,
        or without room for a second file; nothing is lost then.
        """
        from sojourn.warehouse.duckdb_erasing import rewrite_file

        if self._path is None:
            return
        with self._lock, self._parent_lock:
            self._parent.close()
            self._connection.close()
            try:
                rewrite_file(self._path)
            except duckdb.Error as error:
                raise WarehouseUnavailable(str(error)) from error
            finally:
                self._open()

    def checkpoint(self) -> None:
        """Write what only the journal has into its place, which frees its memory.

        Does nothing where that cannot be now; loading goes on without, and tells of a full disk.
        """
        with self._lock, contextlib.suppress(duckdb.Error):
            self._connection.execute("CHECKPOINT")

    def give_back(self) -> None:
        """Return to the system what DuckDB's allocator keeps for later; takes some 10 ms.

        It does so whenever its limit is set, and by itself hardly ever.
        """
        with self.cursor() as cursor:
            cursor.execute(f"SET GLOBAL memory_limit = '{self._memory_limit}'")

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        with self._lock, self._parent_lock:
            self._parent.close()
            self._connection.close()

    def _open(self) -> None:
        self._connection = _connect(self._path, self._memory_limit)
        self._pace = {}
        self._parent = self._connection.cursor()
        self._catalog = Catalog(self._connection)
        self._workshop = Workshop(self._transformer, self._sources, self._catalog)
        self._merger = Merger(self._connection, self._catalog)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.begin()
            yield
            self._connection.commit()
        except BaseException as error:
            self._roll_back()
            if isinstance(error, _AWAY):
                raise WarehouseUnavailable(str(error)) from error
            raise

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
            self._catalog.load()
        except duckdb.Error:
            pass  # the first error is the one that tells


def _connect(path: Path | None, memory_limit: str) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(
            str(path) if path else ":memory:", config={"memory_limit": memory_limit}
        )
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise DataDirectoryInUse(f"{path} is open in another process") from error
        raise WarehouseUnavailable(str(error)) from error
    # Times are UTC everywhere, and SQL that people send reads no files of this machine.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL enable_external_access = false")
    connection.execute("SET GLOBAL python_enable_replacements = false")
    return connection
