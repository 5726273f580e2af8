"""Rows of people out of the tables of one namespace, in any SQL warehouse.

First the rows are looked up that name the people: by `user_id`, by `previous_id` of aliases, and
by `anonymous_id` where no user stands beside it. Their ids are then deleted from every table, so
that a table without such columns (discards) loses its part as well, and `users` the rows of the
people. Rows of `users` come from `identifies` of one user each: no other one changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlglot import exp

from sojourn.core.erasure import People, scattered
from sojourn.core.events import clean_id
from sojourn.warehouse.dialects import Dialect
from sojourn.warehouse.statements import Statements
from sojourn.warehouse.transform import DISCARDS_TABLE
from sojourn.warehouse.transform.identity import MERGE_RULES_TABLE

_AT_ONCE = 1_000
"""Values in one statement."""
_USERS = "users"
_NAMES_USERS = ("user_id", "previous_id")
_LOADED_AT = frozenset(("uuid_ts", "loaded_at"))
Columns = Mapping[str, Collection[str]]
"""Names of columns by table."""


@dataclass
class Erased:
    """What was deleted."""

    rows: dict[str, int] = field(default_factory=dict)
    """Rows by table, as `namespace.table`."""
    ids: set[str] = field(default_factory=set)
    """Of the events."""


class Asked(Protocol):
    """Where rows are asked for and deleted: an `Engine`, or the embedded DuckDB."""

    def run(self, sql: str) -> int:
        """Run one statement."""
        ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        ...


class RowEraser:
    """Erases people from namespaces of one warehouse, in the caller's transaction."""

    def __init__(self, asked: Asked, dialect: Dialect) -> None:
        self._asked = asked
        self._dialect = dialect
        self._statements = Statements(dialect, "", "sql/erasing.sql")

    def erase(
        self,
        namespace: str,
        tables: Columns,
        people: People,
        devices: Collection[str],
        known: Collection[str] = (),
    ) -> Erased:
        """Delete the people's rows.

        `devices`: anonymous ids whose events without a user are theirs; `known`: ids of events
        that are known to be theirs.
        """
        users = self._spelled(namespace, tables, people.user_ids)
        erased = Erased(ids=set(known))
        for table, columns in tables.items():
            if table != _USERS:
                erased.ids |= self._ids(namespace, table, columns, users, devices)
        for table, columns in tables.items():
            for column, values in gone_by(table, columns, users, devices, erased.ids).items():
                count = self._delete(namespace, table, column, sorted(values))
                if count:
                    name = f"{namespace}.{table}"
                    erased.rows[name] = erased.rows.get(name, 0) + count
        return erased

    def _spelled(self, namespace: str, tables: Columns, user_ids: Collection[str]) -> set[str]:
        """How the tables spell the user ids."""
        found = set(user_ids)
        for table, columns in tables.items():
            for column in naming_users(table, columns):
                for user_id in user_ids:
                    pattern = self._values([scattered(user_id)])
                    sql = self._sql("like", **self._names(namespace, table, column=column),
                                    pattern=pattern)  # fmt: skip
                    spelled = (row[0] for row in self._asked.rows(sql))
                    found |= {text for text in spelled if clean_id(text) == user_id}
        return found

    def _ids(
        self,
        namespace: str,
        table: str,
        columns: Collection[str],
        users: Collection[str],
        devices: Collection[str],
    ) -> set[str]:
        wanted = [(column, users, "with_values") for column in naming_users(table, columns)]
        if {"id", "anonymous_id"} <= set(columns) and is_ours(columns):
            query = "with_values_and_no_user" if "user_id" in columns else "with_values"
            wanted.append(("anonymous_id", devices, query))
        found: set[str] = set()
        for column, values, query in wanted:
            names = self._names(namespace, table, column=column, id="id", user_id="user_id")
            for some in _portions(sorted(values)):
                rows = self._asked.rows(self._sql(query, **names, values=self._values(some)))
                found |= {str(row[0]) for row in rows}
        return found

    def _delete(self, namespace: str, table: str, column: str, values: Sequence[str]) -> int:
        """Delete rows by the values of a column; how many there were."""
        total = 0
        names = self._names(namespace, table, column=column)
        for some in _portions(values):
            listed = self._values(some)
            ((count,),) = self._asked.rows(self._sql("count_values", **names, values=listed))
            if count:
                self._asked.run(self._sql("delete_values", **names, values=listed))
                total += int(count)
        return total

    def _sql(self, query: str, **parts: str) -> str:
        """Plain enough for every dialect as it is; what names people stays in no cache."""
        return self._statements.part(query, **parts)

    def _names(self, namespace: str, table: str, **columns: str) -> dict[str, str]:
        named = {word: self._dialect.name(column) for word, column in columns.items()}
        return {"table": self._dialect.name(namespace, table), **named}

    def _values(self, values: Collection[str]) -> str:
        return ", ".join(exp.Literal.string(value).sql(self._dialect.sqlglot) for value in values)


def by_columns(found: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    """Columns by table, from pairs."""
    tables: dict[str, set[str]] = {}
    for table, column in found:
        tables.setdefault(table, set()).add(column)
    return tables


def namespaces_of(source_ids: Collection[str], name: Callable[[str], str]) -> dict[str, set[str]]:
    """The sources by the namespace that `name` gives for them."""
    found: dict[str, set[str]] = {}
    for source_id in source_ids:
        found.setdefault(name(source_id), set()).add(source_id)
    return found


def is_ours(columns: Collection[str]) -> bool:
    """Whether events are loaded into a table with these columns: others are somebody's own."""
    return "received_at" in columns and not _LOADED_AT.isdisjoint(columns)


def naming_users(table: str, columns: Collection[str]) -> list[str]:
    """The columns of a table that hold user ids."""
    if "id" not in columns or not is_ours(columns):
        return []
    names = ("id",) if table == _USERS else _NAMES_USERS
    return [column for column in names if column in columns]


def gone_by(
    table: str,
    columns: Collection[str],
    users: Collection[str],
    devices: Collection[str],
    ids: Collection[str],
) -> dict[str, Collection[str]]:
    """By which values of which columns rows of a table go."""
    if table != MERGE_RULES_TABLE and not is_ours(columns):
        return {}
    if table == _USERS:
        gone: dict[str, Collection[str]] = {"id": users}
    elif table == DISCARDS_TABLE:
        gone = {"row_id": ids}
    elif table == MERGE_RULES_TABLE:
        named = {*users, *devices}
        gone = {"merge_property_1_value": named, "merge_property_2_value": named}
    else:
        gone = {"id": ids}
    return {column: values for column, values in gone.items() if column in columns}


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
