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
    _add_discards(schema, provider)
    for table, columns in schema.items():
        _follow(columns, existing.get(table, {}))
    _share_users(schema, existing, provider)
    changes: dict[str, TableChange] = {}
    for table, columns in schema.items():
        change = _change(existing.get(table), columns)
        if change is not None:
            changes[table] = change
    return schema, changes


def _in_use(columns: Mapping[str, str]) -> Table:
    return {name: kind for name, kind in columns.items() if not _DEPRECATED.search(name)}


def _first_types(uploads: Iterable[Mapping[str, Mapping[str, str]]]) -> Schema:
    schema: Schema = {}
    for upload in uploads:
        for table, columns in upload.items():
            mine = schema.setdefault(table, {})
            for name, kind in columns.items():
                mine.setdefault(name, kind)
    return schema


def _add_discards(schema: Schema, provider: Provider) -> None:
    if not provider.discards:
        return
    table = schema.setdefault(_cased(DISCARDS_TABLE, provider), {})
    for name, kind in DISCARDS_COLUMNS.items():
        table.setdefault(_cased(name, provider), kind)
    for name in provider.load_times:
        table.setdefault(_cased(name, provider), DATETIME)


def _cased(name: str, provider: Provider) -> str:
    return name.upper() if provider.upper else name


def _follow(columns: Table, existing: Mapping[str, str]) -> None:
    """Take the warehouse's types, but for the one that may be widened."""
    for name, kind in columns.items():
        there = existing.get(name)
        if there is not None and not (there == STRING and kind == TEXT):
            columns[name] = there


def _share_users(
    schema: Schema, existing: Mapping[str, Mapping[str, str]], provider: Provider
) -> None:
    """`users` takes over the columns of `identifies`, and gives those that only it has."""
    users_name, identifies_name = _cased("users", provider), _cased("identifies", provider)
    id_name, user_id = _cased("id", provider), _cased("user_id", provider)
    users, identifies = schema.get(users_name), schema.get(identifies_name)
    if users is None or identifies is None:
        return
    known = {**existing.get(users_name, {}), **users}
    for name, kind in known.items():
        if name not in identifies:
            identifies[name] = kind
    there = existing.get(users_name, {})
    for name, kind in identifies.items():
        if name == user_id:
            users[id_name] = there.get(id_name, kind)
        elif name != id_name:
            users[name] = there.get(name, kind)


def _change(existing: Mapping[str, str] | None, columns: Mapping[str, str]) -> TableChange | None:
    there = existing or {}
    change = TableChange(
        create=existing is None,
        add={name: kind for name, kind in columns.items() if name not in there},
        alter={name: kind for name, kind in columns.items() if there.get(name, kind) != kind},
    )
    return change if change.create or change.add or change.alter else None
