"""The events behind RudderStack's tables, in the order of their receipt.

All tables are read side by side, each in order of (received_at, id), and merged. A track is in
`tracks` and in its event's own table under one key, so that its rows come together; and one
position, the last key that is done, is enough to go on from.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from sojourn.core.errors import InvalidSettings
from sojourn.warehouse.catalog import quoted
from sojourn.warehouse.history.engines import SQL, DuckDBHistory, HistoryEngine, PostgresHistory
from sojourn.warehouse.history.tables import (
    KINDS,
    USERS,
    Column,
    Counted,
    HistoryTable,
    finished,
    joined,
    json_value,
)

ROWS_HELD = 20_000
"""Rows of all tables that are fetched and not merged yet, about."""
USERS_HELD = 2_000
_POSTGRES = ("postgres://", "postgresql://")
_LOOKED_FOR = ", ".join((*KINDS, USERS))
_TYPES: tuple[tuple[str, str], ...] = (
    ("bool", "boolean"),
    ("timestamp", "datetime"),
    ("date", "datetime"),
    ("double", "float"),
    ("float", "float"),
    ("real", "float"),
    ("tinyint", "int"),
    ("smallint", "int"),
    ("integer", "int"),
    ("bigint", "int"),
    ("hugeint", "int"),
    ("utinyint", "int"),
    ("usmallint", "int"),
    ("uinteger", "int"),
    ("ubigint", "int"),
)
"""How the names of types begin; any other is text, but for decimal numbers."""


class Position(NamedTuple):
    """The key of the last row that is done: when it was received (with µs), and its id."""

    received: str
    id: str


class HistoryEvent(NamedTuple):
    """One event, where it stood, and how many rows it had."""

    position: Position
    kind: str
    event: dict[str, Any]
    tables: Sequence[HistoryTable]


class History:
    """The tables of one schema."""

    def __init__(self, engine: HistoryEngine, schema: str = "") -> None:
        """`schema`: where RudderStack wrote them; empty: the one schema that has such tables.

        Raises `InvalidSettings` that says what was looked for.
        """
        self._engine = engine
        by_schema = self._found()
        self.schema = _chosen(schema, by_schema)
        self.tables: Sequence[HistoryTable] = [t for t in by_schema[self.schema] if t.kind]
        """Those that are RudderStack's."""
        self.left_alone: Sequence[str] = [t.name for t in by_schema[self.schema] if not t.kind]
        """Names of the other tables of the schema."""

    def count(self, table: HistoryTable, since: str = "", until: str = "") -> Counted:
        """How many rows there are from `since` (inclusive) to `until` (ISO 8601; empty: all)."""
        words = self._words(table)
        moment = SQL[f"{self._engine.kind}_time"]
        sql = SQL["count"].format(
            first=moment.format(column=f"min({words['received_at']})"),
            last=moment.format(column=f"max({words['received_at']})"),
            bounds=_bounds(words, since, until, None),
            **words,
        )
        ((rows, first, last, unusable),) = self._engine.rows(sql)
        return Counted(int(rows), first, last, int(unusable))

    def events(
        self, since: str = "", until: str = "", after: Position | None = None
    ) -> Iterator[HistoryEvent]:
        """The events of all tables but `users`, in order of their position, after `after`."""
        tables = [table for table in self.tables if table.kind != USERS]
        # What says most of an event comes first.
        tables.sort(key=lambda t: (not t.has_whole_events, not t.is_of_one_event))
        at_once = max(20, ROWS_HELD // len(tables))
        streams = [
            self._read(number, table, _bounds(self._words(table), since, until, after), at_once)
            for number, table in enumerate(tables)
        ]
        merged = heapq.merge(*streams, key=lambda row: row[:3])
        for (received, row_id), rows in groupby(merged, key=lambda row: row[:2]):
            by_kind: dict[str, list[tuple[dict[str, Any], HistoryTable]]] = {}
            for _, _, number, event in rows:
                by_kind.setdefault(tables[number].kind, []).append((event, tables[number]))
            for kind, found in by_kind.items():
                event = finished(joined([one for one, _ in found]), kind, found[0][1].plain)
                yield HistoryEvent(
                    Position(received, row_id), kind, event, [table for _, table in found]
                )

    def users(self, since: str = "", until: str = "") -> Iterator[dict[str, Any]]:
        """The rows of `users`, each as the identify that would make it; `messageId` is its id."""
        for table in self.tables:
            if table.kind == USERS:
                bounds = _bounds(self._words(table), since, until, None)
                for _, user_id, _, event in self._read(0, table, bounds, USERS_HELD, "users"):
                    yield finished({**event, "userId": user_id}, "identify", "")

    def close(self) -> None:
        """Release the connection."""
        self._engine.close()

    def _found(self) -> dict[str, list[HistoryTable]]:
        columns: dict[tuple[str, str], list[Column]] = {}
        for schema, table, column, data_type, scale in self._engine.rows(SQL["columns"]):
            kind = _type(str(data_type), scale)
            columns.setdefault((schema, table), []).append(Column(column, kind))
        found: dict[str, list[HistoryTable]] = {}
        for (schema, table), its in columns.items():
            found.setdefault(schema, []).append(HistoryTable(schema, table, its))
        return found

    def _read(
        self, number: int, table: HistoryTable, bounds: str, at_once: int, query: str = "rows"
    ) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
        """Received, id, `number` and event of each row."""
        engine = self._engine
        columns = [_expression(engine.kind, column) for column in table.columns.values()]
        words = self._words(table)
        moment = SQL[f"{engine.kind}_moment"].format(column=words["received_at"])
        sql = SQL[query].format(
            received=moment,
            columns=", ".join(columns),
            bounds=bounds,
            **words,
        )
        make = table.maker(list(table.columns))
        for some in engine.stream(sql, at_once):
            for row in some:
                values = [json_value(v) if type(v) is not str else v for v in row[2:]]
                yield row[0], row[1], number, make(values)

    def _words(self, table: HistoryTable) -> dict[str, str]:
        words = {
            "table": quoted(table.schema, table.name),
            "received_at": quoted(table.columns["received_at"].name),
            "id": quoted(table.columns["id"].name),
        }
        usable = SQL["usable"].format(**words)
        return {**words, "usable": usable, "collation": self._engine.collation}


def open_history(address: str, schema: str = "", not_this: Path | None = None) -> History:
    """The history at `address`: a PostgreSQL URL, or a DuckDB file other than `not_this`.

    Raises `InvalidSettings` for an address that is none, or where no table of RudderStack's is;
    `WarehouseUnavailable` where nobody answers.
    """
    engine = _open_engine(address, not_this)
    try:
        return History(engine, schema)
    except BaseException:
        engine.close()
        raise


def _open_engine(address: str, not_this: Path | None) -> HistoryEngine:
    if address.startswith(_POSTGRES):
        return PostgresHistory(address)
    scheme, separator, _ = address.partition("://")
    if separator and scheme != "duckdb":
        raise InvalidSettings(
            f"--from: {scheme}:// cannot be imported from; "
            "write postgres://user:password@host/database, or the path of a .duckdb file"
        )
    path = Path(address.removeprefix("duckdb://"))
    if not_this is not None and path.exists() and not_this.exists() and path.samefile(not_this):
        raise InvalidSettings(f"{path} is the warehouse of this data folder; name another file")
    return DuckDBHistory(path)


def _chosen(schema: str, by_schema: Mapping[str, Iterable[HistoryTable]]) -> str:
    """The schema to read. Raises `InvalidSettings` that says what was looked for."""
    wanted = [name for name in by_schema if name.lower() == schema.lower()]
    if schema in by_schema:
        wanted = [schema]
    if schema and not wanted:
        raise InvalidSettings(
            f"there is no schema {schema}, or nothing in it that may be read; there are: "
            f"{', '.join(sorted(by_schema)) or 'none'}"
        )
    ours = [
        name
        for name, tables in by_schema.items()
        if any(table.kind not in ("", USERS) for table in tables)
    ]
    if schema:
        ours = [name for name in wanted if name in ours]
    if not ours:
        raise InvalidSettings(
            f"no tables of RudderStack in {f'schema {schema}' if schema else 'any schema'}: looked "
            f"for {_LOOKED_FOR} and tables of events, each with the columns id and received_at "
            "(events: event and event_text too)"
        )
    if len(ours) > 1:
        raise InvalidSettings(
            f"several schemas hold tables of RudderStack: {', '.join(sorted(ours))}; "
            "name one with --schema"
        )
    return ours[0]


def _type(data_type: str, scale: int | None) -> str:
    if data_type.startswith(("numeric", "decimal", "number")):
        return "int" if scale == 0 else "float"
    return next((ours for start, ours in _TYPES if data_type.startswith(start)), "string")


_EXPRESSIONS = {"int": "integer", "boolean": "integer", "float": "number", "string": "text"}


def _expression(engine: str, column: Column) -> str:
    name = f"{engine}_time" if column.type == "datetime" else _EXPRESSIONS[column.type]
    return SQL[name].format(column=quoted(column.name))


def _bounds(words: Mapping[str, str], since: str, until: str, after: Position | None) -> str:
    parts = ["TRUE"]
    received_at = words["received_at"]
    if since:
        parts.append(SQL["since"].format(received_at=received_at, time=_literal(since)))
    if until:
        parts.append(SQL["until"].format(received_at=received_at, time=_literal(until)))
    if after is not None:
        received, last_id = _literal(after.received), _literal(after.id)
        parts.append(SQL["after"].format(received=received, last_id=last_id, **words))
    return " AND ".join(parts)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
