"""Which sessions were made anew, or came to be over, since somebody looked last."""

from __future__ import annotations

from typing import Any

from sojourn.insights.sql import queries

_SQL = queries("queries/changed.sql")


def changed_sessions(
    connection: Any, received: int, seen: int, now: int
) -> tuple[list[dict[str, Any]], int]:
    """Sessions with an event received at or after `received`, or over in (`seen`, `now`].

    All times are milliseconds since the Unix epoch. Returns the rows and the latest reception
    in the table. A session may come up again unchanged; one that a merge removed does not.
    """
    latest = int(connection.execute(_SQL["received"]).fetchone()[0])
    result = connection.execute(_SQL["changed"], {"received": received, "seen": seen, "now": now})
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()], latest
