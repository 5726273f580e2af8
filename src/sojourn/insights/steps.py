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


VIEWS: tuple[Step, ...] = _steps("assign", "narrow", "numbered", "pieces")
"""What the next steps read each other by: views, so that they need not be made every time."""

IDLESS, NO_IDLESS = ("assign", "idless"), ("working", "no_idless")
"""The sessions of events without a usable id; the same where there are no such events."""

STEPS = ("assign", "steps")
"""Every event gets its place in its session id."""

NUMBER: tuple[Step, ...] = _steps("assign", "count_pieces", "odd", "close_ids")
"""The facts of each session id; which are odd, which may be siblings."""

REPAIR: tuple[Step, ...] = (
    *_steps("assign", "siblings"),
    *_steps("repair", "add_siblings", "merged", "gap_breaks", "user_breaks", "user_parts", "leaps"),
    *_steps("repair", "cuts", "careful", "drop_odd_pieces", "number_careful"),
    *_steps("repair", "count_careful_pieces", "number_all"),
)
"""The session ids in `odd`, merged and split. Without odd or close ids they change nothing."""

REVISIONS, NO_REVISIONS = ("sessions", "revisions"), ("working", "no_revisions")
"""How often late events renewed a session; the same where none was late."""

MEASURE: tuple[Step, ...] = _steps("sessions", "renewed")
"""What sessions have from their own events."""

LINK: tuple[Step, ...] = _steps("sessions", "links", "person_ranks")
"""What they have from their neighbours."""

PLACED = ("sessions", "placed")
"""What events have from their session: a view."""

EMPTY_IN_FULL = ("sessions", "known", "persons_before")
"""What links to sessions that are not made anew: without rows where all are."""


def full_rebuild() -> Iterator[Step]:
    """The steps of making everything anew: each is a CREATE … AS, an INSERT or a DELETE.

    They read `gathered`, `session_policies`, and (where only a part is made anew) what is in
    `EMPTY_IN_FULL`, `concerned` and `touched_sessions`. `store_sessions` in `models/sessions.sql`
    writes what they leave.
    """
    narrow, numbered, piece_facts = VIEWS
    yield from (narrow, IDLESS, STEPS, numbered, piece_facts, *NUMBER, *REPAIR)
    yield from (*MEASURE, REVISIONS, *LINK, PLACED)


def sql(step: Step) -> str:
    """The text of a step, in DuckDB's SQL."""
    file, name = step
    return queries(f"models/{file}.sql")[name]
