"""What an import is asked for, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from sojourn.app.clock import moment_of

Progress = dict[str, Any]
"""How far an import is: the values of `Counts`; at first and at the end also `schema`, `source`,
`tables`, `left_alone`, `dry_run`, `resumed_after`; in between `at`, the receipt of the last event
(ISO 8601); at the end `done`."""


@dataclass(frozen=True)
class ImportOrder:
    """What to import."""

    address: str
    """A PostgreSQL URL or the path of a DuckDB file."""
    schema: str = ""
    """Empty: the one that has RudderStack's tables."""
    source: str = ""
    """Name or id of the source that the events belong to; empty: the one whose tables are called
    like the schema, or the only one."""
    since: str = ""
    """First moment of receipt, ISO 8601 (UTC without an offset); empty: no bound."""
    until: str = ""
    """The moment of receipt that is out of bounds."""
    dry_run: bool = False
    deliver: bool = False
    """Through the log, so that destinations and other warehouses get the events too."""
    restart: bool = False
    """From the beginning, even if an import was interrupted."""

    def checked(self) -> ImportOrder:
        """The same, its times in UTC. Raises `InvalidSettings` for one that is none."""
        return replace(
            self, since=_moment("--since", self.since), until=_moment("--until", self.until)
        )


@dataclass
class Counts:
    """What an import did so far."""

    rows: int = 0
    """Rows of tables that were read, of `rows_to_read`; before an interruption, too."""
    rows_to_read: int = 0
    events: int = 0
    """Events that the rows made."""
    imported: int = 0
    already_there: int = 0
    suppressed: int = 0
    """Events of users who are to be forgotten."""
    users: int = 0
    """Rows of `users` that knew more than all `identifies`."""
    discarded: int = 0
    """Values that did not fit their column."""
    put_aside: int = 0
    """Events that no table takes; they are dead letters."""
    unusable_rows: int = 0
    """Rows without `id` or `received_at`."""


def _moment(option: str, text: str) -> str:
    return moment_of(option, text).astimezone(UTC).isoformat() if text else ""
