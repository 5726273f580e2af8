"""The session model: keeps `session_events` and `sessions` a pure function of the stored events.

The logic is SQL: `models/stage.sql` finds what new events touch, `assign.sql` and `repair.sql`
give every event its session, `sessions.sql` makes the rows, `store.sql` writes them. This module
runs them in order, and leaves out those that would change nothing: what a statement costs hardly
depends on how few rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sojourn.core.source import Source
from sojourn.insights import paths, steps
from sojourn.insights.extract import Extractor
from sojourn.insights.names import CONVERSIONS
from sojourn.insights.places import Places
from sojourn.insights.sql import queries

_SCHEMA = queries("models/schema.sql")
_WORKING = queries("models/working.sql")
_COLUMNS = _WORKING["columns"]
_STAGE = {
    name: statement.replace("{columns}", _COLUMNS)
    for name, statement in queries("models/stage.sql").items()
}
_ASSIGN = queries("models/assign.sql")
_SESSIONS = queries("models/sessions.sql")
_STORE = queries("models/store.sql")
_POLICIES = queries("models/policies.sql")

SIBLING_WINDOW_MS = 60_000
"""Ids that begin within it may be tabs that rotated together (`assign.sql`, siblings)."""
SMALL = 1_000
"""Events: the working tables of that many may stay in memory until the next update."""


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
        paths.prepare(connection)

    def update(self, connection: Any, source_id: str, events: Sequence[Mapping[str, Any]]) -> int:
        """Take in decoded events of one source and renew exactly the sessions that they touch.

        Runs inside the caller's transaction. Returns the number of sessions made anew.
        """
        fresh = not _row(connection, _WORKING["is_ready"])[0]
        if fresh:
            self.prepare(connection)
        if not events:
            return 0
        platform, timeout_ms = self._policy(connection, source_id)
        self._stage(connection, source_id, self._extractor.table(events, platform))
        if fresh:
            run_working(connection, "no_losers", "touched_events", "gathered")
        copies = _drop_copies(connection)
        if copies and not count(connection, "staged"):
            return 0
        connection.execute(_STAGE["concerned"])
        connection.execute(_SESSIONS["known"])
        touched = _gather(connection, max(timeout_ms, SIBLING_WINDOW_MS))
        used = number(connection, fresh)
        made = renew(connection, _WORKING["persons_before"], fresh)
        connection.execute(_STORE["store_events"])
        if touched and _row(connection, _STORE["moved"])[0]:
            connection.execute(_STORE["move_events"])
        paths.update(connection, touched, copies)
        if touched:
            connection.execute(_STAGE["forget_touched"])
        if copies:
            run_working(connection, "no_losers")
        run(connection, used)
        if fresh:
            run_working(connection, "ready")
        if len(events) > SMALL:
            connection.execute(_STORE["release"])
        return made

    def _stage(self, connection: Any, source_id: str, arriving: Any) -> None:
        numbers = pa.array(np.arange(arriving.num_rows))
        connection.register("arriving", arriving.append_column("number", numbers))
        try:
            connection.execute(_STAGE["stage"], {"source_id": source_id})
        finally:
            connection.unregister("arriving")

    def _policy(self, connection: Any, source_id: str) -> tuple[str, int]:
        """Platform and timeout (ms) in force; the configured ones the first time."""
        found = connection.execute(_POLICIES["policy"], [source_id]).fetchall()
        if found:
            return str(found[0][0]), int(found[0][1])
        source = self._sources(source_id) or Source(source_id, source_id, "")
        policy = [source_id, source.platform, source.timeout_ms, source.max_length_ms]
        connection.execute(_POLICIES["add_policy"], policy)
        return source.platform, source.timeout_ms


def _drop_copies(connection: Any) -> int:
    """Leave one copy of each event, the one received first; returns how many there were."""
    _, doubled, stored = _row(connection, _STAGE["look"])
    if doubled or stored:
        for name in ("find_copies", "rank_copies", "drop_copies", "drop_stored_copies"):
            connection.execute(_STAGE[name])
    return int(doubled + stored)


def _gather(connection: Any, timeout_ms: int) -> int:
    """Find the sessions that the new events touch and their events; returns how many sessions."""
    connection.execute(_STAGE["touch"], {"timeout_ms": timeout_ms})
    touched, first_ms, last_ms, merged = _row(connection, _STAGE["reach"])
    if touched:
        connection.execute(_STAGE["gather"], {"first_ms": first_ms, "last_ms": last_ms})
    if merged:
        for name in ("touch_same_ids", "gather_further", "touch_further"):
            connection.execute(_STAGE[name])
    return int(touched)


def assign(connection: Any) -> None:
    """Give every event of `gathered`, whatever that is, its piece of a session.

    Leaves `pieces` and `numbered`. `remake` and `settle` have to come after it.
    """
    run_working(connection, "unready")
    number(connection, fresh=True)


def number(connection: Any, fresh: bool) -> list[steps.Step]:
    """`assign`; `fresh`: the views are not there. Returns what to run before the next time."""
    narrow, numbered, piece_facts = steps.VIEWS
    used: list[steps.Step] = []
    if fresh:
        run(connection, (steps.NO_IDLESS, steps.NO_REVISIONS, narrow))
    if _row(connection, _ASSIGN["gathered_idless"])[0]:
        run(connection, [steps.IDLESS])
        used.append(steps.NO_IDLESS)
    run(connection, [steps.STEPS])
    if fresh:
        run(connection, (numbered, piece_facts))
    run(connection, steps.NUMBER)
    odd, close, late = _row(connection, _ASSIGN["look"])
    if odd or close:
        run(connection, steps.REPAIR)
        used.append(numbered)
    if late:
        run(connection, [steps.REVISIONS])
        used.append(steps.NO_REVISIONS)
    return used


def remake(
    connection: Any, concerned: str, persons_before: str = _WORKING["persons_before"]
) -> None:
    """Make the session rows of `pieces`, and renew what their neighbours have from them.

    `concerned` makes the table of the visitors whose sessions get new neighbours,
    `persons_before` that of the persons whose sessions are counted anew.
    """
    connection.execute(concerned)
    connection.execute(_SESSIONS["known"])
    renew(connection, persons_before, fresh=True)


def renew(connection: Any, persons_before: str, fresh: bool) -> int:
    """Sessions of `pieces` in the place of the touched ones; returns how many were made."""
    run(connection, steps.MEASURE)
    if fresh:
        connection.execute(persons_before)
        run(connection, [steps.PLACED])
    run(connection, steps.LINK)
    relinked, reranked, made = _row(connection, _STORE["look"])
    connection.execute(_STORE["drop_touched"])
    if relinked:
        connection.execute(_STORE["relink"])
    if reranked:
        connection.execute(_STORE["rerank"])
    connection.execute(_SESSIONS["store_sessions"])
    return int(made)


def settle(connection: Any) -> tuple[int, int]:
    """Write the changed sessions of stored events, let go of the working tables.

    Returns the number of sessions made anew, and that of events whose session changed.
    """
    moved, made = _row(connection, _STORE["move_events"])[0], count(connection, "renewed")
    connection.execute(_STORE["release"])
    return made, int(moved)


def run_working(connection: Any, *names: str) -> None:
    """Run statements of `models/working.sql`."""
    for name in names:
        connection.execute(_WORKING[name].replace("{columns}", _COLUMNS))


def run(connection: Any, chosen: Iterable[steps.Step]) -> None:
    """Run steps in order."""
    for step in chosen:
        connection.execute(steps.sql(step))


def count(connection: Any, table: str) -> int:
    """The number of rows of a table."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _row(connection: Any, statement: str) -> tuple[Any, ...]:
    """The one row of a query."""
    row: tuple[Any, ...] = connection.execute(statement).fetchall()[0]
    return row
