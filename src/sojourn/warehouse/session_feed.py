"""The sessions tables in other warehouses: rows that the embedded DuckDB computed, sent on.

Sessions are computed once, by the models' SQL in the embedded DuckDB. `SessionFeed` notes there,
in the transaction of each load, whose sessions changed; a `SessionFollower` per warehouse sends
all rows of those visitors in the place of the ones that are there. Sending twice changes nothing,
so the position moves afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from sojourn.core.ports import SessionModel
from sojourn.warehouse.queries import named_queries

_SQL = named_queries("sql/session_feed.sql")
_CREATE = (
    "create_schema",
    "create_numbers",
    "create_changes",
    "create_followers",
    "create_persons",
)
VISITORS_AT_ONCE = 5_000
KEYS: Mapping[str, tuple[str, ...]] = {
    "sessions": ("visitor_hash", "session_key"),
    "session_events": ("visitor_hash", "message_hash"),
}
"""The tables, with what tells their rows apart."""
_UTC = pa.timestamp("us", tz="UTC")


class SessionFeed:
    """Implements `sojourn.core.ports.SessionModel`: a model whose changes are noted.

    The model has to leave the temporary table `concerned`: the visitors whose sessions its last
    update made anew or gave new neighbours.
    """

    def __init__(self, model: SessionModel) -> None:
        self._model = model

    def update(self, connection: Any, source_id: str, events: Sequence[Mapping[str, Any]]) -> int:
        """Take in events; note whose sessions changed. Returns how many sessions were renewed."""
        renewed = self._model.update(connection, source_id, events)
        if renewed:
            self.note_concerned(connection)
        return renewed

    def note_concerned(self, connection: Any) -> None:
        """Note that the sessions of the visitors in `concerned` changed, or are no more."""
        self._note(connection, "note", "forget_persons", "remember_persons")

    def note_all(self, connection: Any) -> None:
        """Note that any session may have changed: after rules were redefined or users erased."""
        self._note(connection, "note_all", "forget_all_persons", "remember_all_persons")

    def _note(self, connection: Any, query: str, *then: str) -> None:
        for name in _CREATE:
            connection.execute(_SQL[name])
        ((change,),) = connection.execute(_SQL["next_number"]).fetchall()
        connection.execute(_SQL[query], {"change": change})
        for name in then:
            connection.execute(_SQL[name])


class SessionTarget(Protocol):
    """A warehouse that takes sessions."""

    def replace(
        self,
        tables: Mapping[str, pa.Table],
        keys: Mapping[str, tuple[str, ...]],
        values: Sequence[int],
    ) -> None:
        """Put rows in the place of those that belong to `values`."""
        ...


class SessionFollower:
    """Brings one warehouse's sessions tables up to those of the embedded DuckDB."""

    def __init__(
        self,
        name: str,
        cursor: Callable[[], duckdb.DuckDBPyConnection],
        target: SessionTarget,
    ) -> None:
        """`name`: of the warehouse; `cursor` opens a connection to the embedded DuckDB."""
        self._name = name
        self._cursor = cursor
        self._target = target

    def follow(self) -> int:
        """Send what changed since the last time, at first everything.

        Returns of how many visitors. Raises `WarehouseUnavailable`; call it again then.
        """
        cursor = self._cursor()
        try:
            for name in _CREATE:
                cursor.execute(_SQL[name])
            found = cursor.execute(_SQL["position"], {"name": self._name}).fetchall()
            ((last,),) = cursor.execute(_SQL["last_change"]).fetchall()
            if found:
                after = found[0][0]
                last = max(last, after)
                rows = cursor.execute(_SQL["changed"], {"after": after, "last": last}).fetchall()
            else:
                rows = cursor.execute(_SQL["all_visitors"]).fetchall()
            visitors = [row[0] for row in rows]
            for start in range(0, len(visitors), VISITORS_AT_ONCE):
                self._send(cursor, visitors[start : start + VISITORS_AT_ONCE])
            if visitors or not found:
                cursor.execute(_SQL["move"], {"name": self._name, "last": last})
                cursor.execute(_SQL["forget_followed"])
            return len(visitors)
        finally:
            cursor.close()

    def _send(self, cursor: duckdb.DuckDBPyConnection, visitors: Sequence[int]) -> None:
        cursor.begin()
        try:
            found = {
                table: cursor.sql(_SQL[table], params={"visitors": visitors}).to_arrow_table()
                for table in KEYS
            }
        finally:
            cursor.rollback()
        tables = {table: _plain(rows) for table, rows in found.items()}
        self._target.replace(tables, KEYS, visitors)


def _plain(rows: pa.Table) -> pa.Table:
    """Integers of one width, times with their zone."""
    fields = []
    for field in rows.schema:
        kind = field.type
        if pa.types.is_integer(kind):
            kind = pa.int64()
        elif pa.types.is_timestamp(kind):
            kind = _UTC
        fields.append(pa.field(field.name, kind))
    return rows.cast(pa.schema(fields))
