"""The tables that a SQL warehouse has, and how they grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from sojourn.warehouse.dialects import Dialect
from sojourn.warehouse.transform import DISCARDS_TABLE, TableChange, evolve
from sojourn.warehouse.transform.evolution import DISCARDS_COLUMNS

_USERS, _IDENTIFIES = "users", "identifies"
_DISCARDS = {**DISCARDS_COLUMNS, "uuid_ts": "datetime"}
Types = dict[str, str]


class Growth(Protocol):
    """How a warehouse makes and widens tables. Names are plain; types are ours."""

    def columns(self, namespace: str) -> list[tuple[str, str, str]]:
        """Table, column and our type, of all columns of a namespace."""
        ...

    def apply(
        self, namespace: str, changes: Mapping[str, TableChange], key: tuple[str, ...] | None = None
    ) -> None:
        """Make the namespace and its tables, or widen them. `key`: what rows are told apart by,
        unless they are rows of events."""
        ...


class Schemas:
    """The columns of all tables by namespace, as the intake of a load asks for them.

    Names are in lower case here, whatever the warehouse's case. `fixed` puts the tables of all
    sources into one namespace.
    """

    def __init__(self, dialect: Dialect, growth: Growth, fixed: str = "") -> None:
        self._dialect = dialect
        self._growth = growth
        self._fixed = fixed
        # Names are lower case here, and brought into the warehouse's case in SQL text.
        self._provider = replace(dialect.provider, upper=False)
        self._tables: dict[str, dict[str, Types]] = {}

    def forget(self) -> None:
        """Read the tables anew when they are next asked for: people change them, too."""
        self._tables = {}

    def namespace(self, name: str) -> str:
        """Where the tables of the source's namespace `name` really lie."""
        return self._fixed or self._dialect.namespace(name)

    def types(self, namespace: str, table: str) -> Mapping[str, str]:
        """The columns of a table; none if it is not there."""
        if table == DISCARDS_TABLE and not self._provider.discards:
            return _DISCARDS  # they are made, and then not kept
        return self._of(namespace).get(table, {})

    def tables(self, namespace: str) -> Mapping[str, Mapping[str, str]]:
        """All tables of a namespace with their columns."""
        return self._of(namespace)

    def admit(self, namespace: str, wanted: Mapping[str, Types]) -> None:
        """Make or widen the namespace's tables, so that they have all the columns of `wanted`."""
        there = self._of(namespace)
        if all(_has(there.get(table, {}), types) for table, types in wanted.items()):
            return
        upload = dict(wanted)
        if _IDENTIFIES in upload or _USERS in upload:
            # The two share their columns, those of earlier loads included.
            for table in (_IDENTIFIES, _USERS):
                if table in there or table in upload:
                    upload[table] = {**there.get(table, {}), **upload.get(table, {})}
        _, changes = evolve(there, [upload], self._provider)
        name = self.namespace(namespace)
        self._growth.apply(name, changes)
        for table, change in changes.items():
            there.setdefault(table, {}).update({**change.add, **change.alter})

    def admit_plain(self, namespace: str, table: str, types: Types, key: tuple[str, ...]) -> None:
        """Make or widen a table that is none of RudderStack's, so that it has all of `types`."""
        there = self._of(namespace)
        missing = {name: kind for name, kind in types.items() if name not in there.get(table, {})}
        if missing:
            change = TableChange(create=table not in there, add=missing)
            self._growth.apply(self.namespace(namespace), {table: change}, key)
            there.setdefault(table, {}).update(missing)

    def _of(self, namespace: str) -> dict[str, Types]:
        name = self.namespace(namespace)
        if name not in self._tables:
            tables: dict[str, Types] = {}
            for table, column, kind in self._growth.columns(name):
                tables.setdefault(table, {})[column] = kind
            self._tables[name] = tables
        return self._tables[name]


def _has(there: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether all columns are there, wide enough."""
    return wanted.keys() <= there.keys() and not any(
        kind == "text" and there[column] == "string" for column, kind in wanted.items()
    )
