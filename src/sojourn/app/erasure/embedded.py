"""People out of the embedded DuckDB: their rows, their sessions, what is noted about both."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sojourn.core.erasure import People
from sojourn.insights.erasing import erase_sessions, events_of, own_devices
from sojourn.insights.redefine import policies
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.session_feed import SessionFeed


@dataclass
class Emptied:
    """What an erasure takes out of the embedded tables."""

    rows: dict[str, int] = field(default_factory=dict)
    """By table: those of events as `namespace.table`, and `session_events`, `sessions`."""
    sessions: list[str] = field(default_factory=list)
    """Keys of the sessions that are no more."""


class Embedded:
    """The embedded tables, as an erasure sees them.

    `source_ids`: the sources of the configuration; those that have left it are found in the
    tables. `feed` hears whose sessions changed, for other warehouses.
    """

    def __init__(
        self, tables: DuckDBTables, feed: SessionFeed | None, source_ids: Collection[str]
    ) -> None:
        self._tables = tables
        self._feed = feed
        self._source_ids = source_ids

    def devices(self, people: People, seen: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """The devices that only these people used; `seen`: where the log saw them."""
        return self._tables.exclusively(lambda connection: own_devices(connection, people, seen))

    def source_ids(self) -> set[str]:
        """All sources that there are or were."""
        return self._tables.exclusively(lambda it: {*self._source_ids, *policies(it)})

    def look(self, people: People) -> Emptied:
        """What `erase` would do; changes nothing."""
        return self._tables.exclusively(lambda it: self._erase(it, people), keep=False)

    def erase(self, people: People) -> Emptied:
        """Delete the people's rows and renew the sessions around them, in one transaction."""
        return self._tables.exclusively(lambda it: self._erase(it, people))

    def _erase(self, connection: Any, people: People) -> Emptied:
        source_ids = {*self._source_ids, *policies(connection)}
        rows, events = self._tables.erase(people, events_of(connection, people), source_ids)
        events_gone, sessions = erase_sessions(connection, events)
        if self._feed is not None and events_gone:
            self._feed.note_concerned(connection)
        rows |= {"session_events": events_gone, "sessions": len(sessions)}
        return Emptied({name: count for name, count in rows.items() if count}, sessions)
