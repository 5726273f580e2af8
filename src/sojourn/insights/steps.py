"""The steps that make sessions of the events in `gathered`, in the order in which they run.

Here rather than where they run, since other engines run the same ones: `full_rebuild` names them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.insights.sql import queries

Step = tuple[str, str]
"""A statement: the file in `models/` (without `.sql`), and its name there."""


def _steps(file: str, *names: str) -> tuple[Step, ...]:
    return tuple((file, name) for name in names)


ASSIGN: tuple[Step, ...] = (
    *_steps("assign", "narrow", "idless", "steps", "numbered", "pieces", "count_pieces"),
    *_steps("assign", "odd", "siblings"),
    *_steps("repair", "add_siblings"),
)
"""Every event gets its session id, its place there, and the facts of each; which ids are odd."""

REPAIR: tuple[Step, ...] = (
    *_steps("repair", "merged", "gap_breaks", "user_breaks", "user_parts", "leaps", "cuts"),
    *_steps("repair", "careful", "drop_odd_pieces", "number_careful", "count_careful_pieces"),
    *_steps("repair", "number_all"),
)
"""The session ids in `odd`, merged and split. Without any, these steps change nothing."""

MEASURE: tuple[Step, ...] = _steps("sessions", "measured", "details", "renewed", "revisions")
"""What sessions have from their own events."""

LINK: tuple[Step, ...] = _steps("sessions", "visitor_sessions", "links", "person_ranks")
"""What they have from their neighbours."""

NAME: tuple[Step, ...] = _steps("sessions", "named")
"""All that `store_sessions` writes is at hand."""

PLACE: tuple[Step, ...] = _steps("sessions", "placed")
"""What events have from their session."""


def full_rebuild() -> Iterator[Step]:
    """The steps of making everything anew: each is a CREATE … AS, an INSERT or a DELETE.

    They read `gathered`, `session_policies`, and (where only a part is made anew) `sessions`,
    `concerned` and `touched_sessions`. `store_sessions` in `models/sessions.sql` writes what they
    leave.
    """
    yield from (*ASSIGN, *REPAIR, *MEASURE, *LINK, *NAME, *PLACE)


def sql(step: Step) -> str:
    """The text of a step, in DuckDB's SQL."""
    file, name = step
    return queries(f"models/{file}.sql")[name]
