"""The session model: keeps `session_events` and `sessions` a pure function of the stored events.

The logic is SQL: `models/stage.sql` finds what new events touch, `assign.sql` and `repair.sql`
give every event its session, `sessions.sql` makes the rows, `store.sql` writes them. This module
runs them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sojourn.core.source import Source
from sojourn.insights import steps
from sojourn.insights.extract import Extractor
from sojourn.insights.names import CONVERSIONS
from sojourn.insights.places import Places
from sojourn.insights.sql import queries

_SCHEMA = queries("models/schema.sql")
_STAGE = queries("models/stage.sql")
_SESSIONS = queries("models/sessions.sql")
_STORE = queries("models/store.sql")
_POLICIES = queries("models/policies.sql")

SIBLING_WINDOW_MS = 60_000
"""Ids that begin within it may be tabs that rotated together (`assign.sql`, siblings)."""


class SessionModel:
    """Implements `sojourn.core.ports.SessionModel` on DuckDB.

    `sources` gives the rules of a source by its id, None for one that has left the configuration.
    `conversions` are names of events, in any spelling of case and separators. `places` says how
    URLs become nodes.
    """

    def __init__(
        self,
        sources: Callable[[str], Source | None],
        conversions: Iterable[str] = CONVERSIONS,
        places: Places | None = None,
    ) -> None:
        self._sources = sources
        self._extractor = Extractor(places or Places(), conversions)

    def prepare(self, connection: Any) -> None:
        """Create the tables if they are not there."""
        for statement in _SCHEMA.values():
            connection.execute(statement)

    def update(self, connection: Any, source_id: str, events: Sequence[Mapping[str, Any]]) -> int:
        """Take in decoded events of one source and renew exactly the sessions that they touch.

        Runs inside the caller's transaction. Returns the number of sessions made anew.
        """
        self.prepare(connection)
        if not events:
            return 0
        platform, timeout_ms = self._policy(connection, source_id)
        arriving = self._extractor.table(events, platform)
        connection.register("arriving", arriving)
        try:
            connection.execute(_STAGE["stage"], {"source_id": source_id})
        finally:
            connection.unregister("arriving")
        self._drop_copies(connection)
        if not count(connection, "staged"):
            return 0
        reach = max(timeout_ms, SIBLING_WINDOW_MS)
        connection.execute(_STAGE["touch"], {"timeout_ms": reach})
        connection.execute(_STAGE["drop_stored_copies"])
        connection.execute(_STAGE["gather"])
        connection.execute(_STAGE["gathered"])
        connection.execute(_STAGE["touch_same_ids"])
        if count(connection, "further"):
            connection.execute(_STAGE["gather_further"])
            connection.execute(_STAGE["touch_further"])
        assign(connection)
        remake(connection)
        connection.execute(_STORE["store_events"])
        return settle(connection)

    def _policy(self, connection: Any, source_id: str) -> tuple[str, int]:
        """Platform and timeout (ms) in force; the configured ones the first time."""
        found = connection.execute(_POLICIES["policy"], [source_id]).fetchall()
        if found:
            return str(found[0][0]), int(found[0][1])
        source = self._sources(source_id) or Source(source_id, source_id, "")
        policy = [source_id, source.platform, source.timeout_ms, source.max_length_ms]
        connection.execute(_POLICIES["add_policy"], policy)
        return source.platform, source.timeout_ms

    def _drop_copies(self, connection: Any) -> None:
        connection.execute(_STAGE["find_copies"])
        connection.execute(_STAGE["no_losers"])
        if count(connection, "copied"):
            connection.execute(_STAGE["rank_copies"])
            connection.execute(_STAGE["drop_copies"])


def assign(connection: Any) -> None:
    """Give every event of `gathered` its piece of a session: leaves `pieces` and `numbered`."""
    run(connection, steps.ASSIGN)
    if count(connection, "odd"):
        run(connection, steps.REPAIR)


def remake(connection: Any, concerned: str = _SESSIONS["concerned"]) -> None:
    """Make the session rows of `pieces`, and renew what their neighbours have from them.

    `concerned` makes the table of the visitors whose sessions get new neighbours.
    """
    run(connection, steps.MEASURE)
    connection.execute(concerned)
    run(connection, steps.LINK)
    for name in ("drop_touched", "relink", "rerank"):
        connection.execute(_STORE[name])
    run(connection, steps.NAME)
    connection.execute(_SESSIONS["store_sessions"])
    run(connection, steps.PLACE)


def run(connection: Any, chosen: Iterable[steps.Step]) -> None:
    """Run steps in order."""
    for step in chosen:
        connection.execute(steps.sql(step))


def settle(connection: Any) -> int:
    """Write the changed sessions of stored events, let go of the working tables.

    Returns the number of sessions made anew.
    """
    connection.execute(_STORE["move_events"])
    made = count(connection, "renewed")
    connection.execute(_STORE["release"])
    return made


def count(connection: Any, table: str) -> int:
    """The number of rows of a table."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
