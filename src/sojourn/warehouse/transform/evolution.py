"""How an upload changes the warehouse's tables: they only ever grow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sojourn.warehouse.transform.providers import Provider, provider_of
from sojourn.warehouse.transform.values import DATETIME, STRING, TEXT

Table = dict[str, str]
"""Column to type."""
Schema = dict[str, Table]
"""Table to columns."""

DISCARDS_TABLE = "rudder_discards"
DISCARDS_COLUMNS: Mapping[str, str] = {
    "table_name": STRING,
    "row_id": STRING,
    "column_name": STRING,
    "column_value": STRING,
    "received_at": DATETIME,
    "reason": STRING,
}
_DEPRECATED = re.compile(
    r"-deprecated-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE
)


@dataclass
class TableChange:
    """What happens to one table."""

    create: bool = False
    """The table is new."""
    add: Table = field(default_factory=dict)
    """New columns."""
    alter: Table = field(default_factory=dict)
    """Columns that get another type (`string` to `text`)."""


def evolve(
    warehouse: Mapping[str, Mapping[str, str]],
    uploads: Iterable[Mapping[str, Mapping[str, str]]],
    provider: str | Provider = "duckdb",
) -> tuple[Schema, dict[str, TableChange]]:
    """The tables of an upload as they will be, and the changes that takes.

    `warehouse`: the tables that there are. `uploads`: the tables of each file of the upload, in
    order: the first type seen wins. A type that the warehouse has always wins.
    """
    provider = provider if isinstance(provider, Provider) else provider_of(provider)
    existing = {table: _in_use(columns) for table, columns in warehouse.items()}
    schema = _first_types(uploads)
    for table, columns in schema.items():
        _follow(columns, existing.get(table, {}))
    _share_users(schema, existing, provider)
    if provider.discards:
        discards = provider.cased(DISCARDS_TABLE)
        schema[discards] = _discards_columns(provider)
        _follow(schema[discards], existing.get(discards, {}))
    changes: dict[str, TableChange] = {}
    for table, columns in schema.items():
        change = _change(existing.get(table), columns)
        if change is not None:
            changes[table] = change
    return schema, changes


def _in_use(columns: Mapping[str, str]) -> Table:
    return {name: kind for name, kind in columns.items() if not _DEPRECATED.search(name)}


def _first_types(uploads: Iterable[Mapping[str, Mapping[str, str]]]) -> Schema:
    """The first type seen of each column, but `text` beats all."""
    schema: Schema = {}
    for upload in uploads:
        for table, columns in upload.items():
            mine = schema.setdefault(table, {})
            for name, kind in columns.items():
                if kind == TEXT or name not in mine:
                    mine[name] = kind
    return schema


def _discards_columns(provider: Provider) -> Table:
    columns = {**DISCARDS_COLUMNS, **dict.fromkeys(provider.load_times, DATETIME)}
    return {provider.cased(name): kind for name, kind in columns.items()}


def _follow(columns: Table, existing: Mapping[str, str]) -> None:
    """Take the warehouse's types, but for the one that may be widened."""
    for name, kind in columns.items():
        there = existing.get(name)
        if there is not None and not (there == STRING and kind == TEXT):
            columns[name] = there


def _share_users(
    schema: Schema, existing: Mapping[str, Mapping[str, str]], provider: Provider
) -> None:
    """`users` takes over the columns of `identifies`, and gives those that only it has.

    The rows of `users` are made of those of `identifies`, whose `user_id` is their `id`.
    """
    users_name, identifies_name = provider.cased("users"), provider.cased("identifies")
    users, identifies = schema.get(users_name), schema.get(identifies_name)
    if users is None or identifies is None:
        return
    id_name, user_id = provider.cased("id"), provider.cased("user_id")
    users.pop(user_id, None)
    there, there_identifies = existing.get(users_name, {}), existing.get(identifies_name, {})
    for name, kind in {**users, **there}.items():
        if name in (id_name, user_id) or name in there_identifies:
            continue
        if name in there or name not in identifies:
            users[name] = identifies[name] = kind
    for name, kind in identifies.items():
        target = id_name if name == user_id else name
        if name != id_name:
            users[target] = there.get(target, kind)


def _change(existing: Mapping[str, str] | None, columns: Mapping[str, str]) -> TableChange | None:
    there = existing or {}
    change = TableChange(
        create=existing is None,
        add={name: kind for name, kind in columns.items() if name not in there},
        alter={name: kind for name, kind in columns.items() if there.get(name, kind) != kind},
    )
    return change if change.create or change.add or change.alter else None
