"""The warehouse in a SQL database: `sojourn.core.ports.Tables` over any `Engine`."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa

from sojourn.core.erasure import People
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Batch, Loaded
from sojourn.warehouse.csv_rows import without_nul
from sojourn.warehouse.engine import Engine, json_field
from sojourn.warehouse.erasing import Columns, Erased, RowEraser, namespaces_of
from sojourn.warehouse.files import our_type
from sojourn.warehouse.growth import Key
from sojourn.warehouse.intake import Intake
from sojourn.warehouse.lower_case import LowerCaseTransformer
from sojourn.warehouse.merging import Merged
from sojourn.warehouse.namespaces import namespace_of
from sojourn.warehouse.portion import Sources, Workshop
from sojourn.warehouse.schemas import Growth, Schemas
from sojourn.warehouse.transform import DISCARDS_TABLE

SESSIONS_NAMESPACE = "sojourn"
"""Where the sessions tables lie, unless all tables share one namespace."""


class Rows(Protocol):
    """Rows of one load on their way into one table."""

    @property
    def namespace(self) -> str:
        """Where the table is."""
        ...

    @property
    def table(self) -> str:
        """Its plain name."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """The columns that the rows have."""
        ...


class Merger(Protocol):
    """How a warehouse takes rows in."""

    def stage(
        self, number: str, namespace: str, table: str, incoming: pa.Table, key: Key | None = None
    ) -> Any:
        """Bring rows (as `Rows`) near their table, before the transaction."""
        ...

    def merge(self, staged: Any, columns: Mapping[str, str]) -> Merged:
        """Put staged rows into their table, whose columns and types are `columns`."""
        ...

    def replace(self, staged: Any, column: str, values: Sequence[int]) -> None:
        """Put staged rows in the place of those whose `column` has one of `values`."""
        ...

    def touch_users(self, identifies: Any) -> Any:
        """Note whose `users` row will change, before staged `identifies` are merged."""
        ...

    def renew_users(self, namespace: str, columns: Collection[str], touched: Any) -> None:
        """Make the rows of `users` anew that `touch_users` noted."""
        ...


class SqlTables:
    """Tables of events in a SQL warehouse, one namespace per source, merged by key.

    Tables and columns are made first; they only ever grow, so that a load which fails later does
    no harm. Then rows are staged, and merged in one transaction. One load at a time.
    """

    def __init__(
        self,
        engine: Engine,
        growth: Growth,
        merger: Merger,
        sources: Sources,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """`options`: RudderStack's settings of the destination, and `namespace`, a namespace for
        the tables of all sources."""
        options = options or {}
        self._engine = engine
        self._lock = threading.Lock()
        self._schemas = Schemas(engine.dialect, growth, str(options.get("namespace") or ""))
        transformer = LowerCaseTransformer(engine.dialect.provider.name, options)
        self._workshop = Workshop(transformer, sources, self._schemas)
        self._merger = merger

    def load(self, batches: Sequence[Batch]) -> Loaded:
        """Load events; loading the same ones again changes nothing.

        Events that no table can take are in the answer's `aside`. Raises `WarehouseUnavailable`
        when the connection is lost; nothing of the load is there then.
        """
        load_time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._lock:
            self._schemas.forget()
            intake = Intake(self._workshop, load_time)
            intake.take(batches)
            staged = [
                self._stage(f"{at}_{number}", name, table, rows)
                for at, (name, tables) in enumerate(intake.tables().items())
                for number, (table, rows) in enumerate(tables.items())
                if table != DISCARDS_TABLE or self._engine.dialect.provider.discards
            ]
            with self._engine.transaction():
                merged = [self._merge(part) for part in staged]
        return Loaded(
            events=intake.count,
            inserted=sum(m.inserted for m in merged),
            duplicates=sum(m.duplicates for m in merged),
            discarded=intake.discarded,
            aside=tuple(intake.aside),
        )

    def replace(
        self, tables: Mapping[str, pa.Table], keys: Mapping[str, Key], values: Sequence[int]
    ) -> None:
        """Put the rows of `tables` (by name) in the place of those that belong to `values`.

        `keys`: by table, what tells its rows apart; the first column of it says whom a row
        belongs to. All in one transaction, where the warehouse has them.
        """
        with self._lock:
            self._schemas.forget()
            name = self._schemas.namespace(SESSIONS_NAMESPACE)
            staged: dict[str, Rows] = {}
            for table, rows in tables.items():
                types = {field.name: our_type(field.type) for field in rows.schema}
                self._schemas.admit_plain(SESSIONS_NAMESPACE, table, types, keys[table])
                staged[table] = self._merger.stage(table, name, table, rows, keys[table])
            with self._engine.transaction():
                for table, part in staged.items():
                    self._merger.replace(part, keys[table][0], values)

    def erase(self, people: People, source_ids: Collection[str]) -> dict[str, int]:
        """Delete people's rows from the tables of events; how many by table.

        `source_ids`: all sources that there are or were. One transaction, where the warehouse has
        them; doing it again finds nothing. Raises `WarehouseUnavailable`, and `InvalidSettings`
        where some sources are meant, and others share their tables.
        """
        namespaces = namespaces_of(source_ids, self._namespace)
        rows: dict[str, int] = {}
        with self._lock:
            self._schemas.forget()
            for namespace, owners in namespaces.items():
                if people.sources and not owners & people.sources:
                    continue
                if people.sources and owners - people.sources:
                    raise InvalidSettings(
                        f"{namespace} holds the tables of several sources; erase from all of them"
                    )
                tables = self._schemas.tables(namespace)
                devices = {device for source_id, device in people.devices if source_id in owners}
                with self._engine.transaction():
                    rows |= self._erase(namespace, tables, people, devices).rows
        return rows

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        with self._lock:
            self._engine.close()

    def _namespace(self, source_id: str) -> str:
        """Where a source's tables lie."""
        source = self._workshop.sources(source_id)
        return self._schemas.namespace(namespace_of(source_id, source))

    def _erase(
        self, namespace: str, tables: Columns, people: People, devices: Collection[str]
    ) -> Erased:
        """Delete rows of one namespace (its real name)."""
        eraser = RowEraser(self._engine, self._engine.dialect)
        return eraser.erase(namespace, tables, people, devices)

    def _stage(self, number: str, namespace: str, table: str, rows: pa.Table) -> Rows:
        types = self._schemas.types(namespace, table)
        for at, name in enumerate(rows.column_names):
            if types[name] == "json":
                rows = rows.set_column(at, json_field(name), without_nul(rows.column(at)))
        staged: Rows = self._merger.stage(number, self._schemas.namespace(namespace), table, rows)
        return staged

    def _merge(self, staged: Rows) -> Merged:
        types = self._schemas.types(staged.namespace, staged.table)
        users = self._schemas.types(staged.namespace, "users")
        if staged.table != "identifies" or not users or "user_id" not in staged.columns:
            return self._merger.merge(staged, types)
        touched = self._merger.touch_users(staged)
        merged = self._merger.merge(staged, types)
        shared = [column for column in users if column == "id" or column in types]
        self._merger.renew_users(staged.namespace, shared, touched)
        return merged
