"""Retention in the SQLite log: small steps between the writer's groups."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import apsw

from sojourn.core.ports import Clock
from sojourn.log import tables
from sojourn.log.database import rows
from sojourn.log.retention import Retention

_STEP_ENTRIES = 2_000
_STEP_BYTES = 8 * 2**20
"""A step holds up writers for about ten milliseconds."""

logger = logging.getLogger("sojourn.log")


@dataclass
class LogStats:
    """What retention removed since the log was opened."""

    trimmed: int = 0
    lost_unread: int = 0
    """Entries that some reader had not committed: only `Retention.hard_bytes` does that."""
    held_back: bool = False
    """The log is above `Retention.max_bytes`, and all of it has still to be read by somebody."""


class Trimmer:
    """Decides what goes (see `Retention` for the policy) and removes it step by step.

    `forget(stream, partition, offset)` hears up to where.
    """

    def __init__(
        self, retention: Retention, clock: Clock, forget: Callable[[str, int, int], None]
    ) -> None:
        self._retention = retention
        self._clock = clock
        self._forget = forget
        self.stats = LogStats()

    def step(self, connection: apsw.Connection) -> bool:
        """Remove some entries of each partition; true if there are more to remove."""
        size = tables.size(connection)
        limits = self._retention
        crowded = bool(limits.max_bytes) and size > limits.max_bytes
        full = bool(limits.hard_bytes) and size > limits.hard_bytes
        more = False
        for stream, number in tables.streams(connection).items():
            for partition in range(number):
                more |= self._trim(connection, stream, partition, crowded, full)
        self.stats.held_back = crowded and not more
        return more

    def _trim(
        self, connection: apsw.Connection, stream: str, partition: int, crowded: bool, full: bool
    ) -> bool:
        there = tables.bounds(connection, stream, partition)
        read = min(self._read_by_all(connection, stream, partition, there), there.last - 1)
        limit = there.last - 1 if full else read
        if not (crowded or full):
            limit = min(limit, self._outlived(connection, stream, partition))
        if limit < there.first:
            return False
        table = tables.table_of(stream, partition)
        chunk_end = tables.SQL["chunk_end"].format(table=table)
        (end,) = rows(connection, chunk_end, limit, _STEP_ENTRIES, _STEP_BYTES)[0]
        connection.execute(tables.SQL["trim"].format(table=table), (end,))
        self._forget(stream, partition, end)
        self._count(stream, partition, end - there.first + 1, end - max(read, there.first - 1))
        return bool(end < limit) or crowded or full

    def _read_by_all(
        self, connection: apsw.Connection, stream: str, partition: int, there: tables.Bounds
    ) -> int:
        """The offset up to which every known reader is done."""
        forget = self._retention.forget_reader_ms
        alive_since = self._clock.now_ms() - forget if forget else 0
        query = tables.SQL["slowest"]
        (slowest,) = rows(connection, query, stream, partition, alive_since)[0]
        return there.last if slowest is None else int(slowest)

    def _outlived(self, connection: apsw.Connection, stream: str, partition: int) -> int:
        """The last offset that is older than the stream's age; 0 if none is."""
        age = self._retention.age_ms(stream)
        if not age:
            return 0
        return tables.first_since(connection, stream, partition, self._clock.now_ms() - age) - 1

    def _count(self, stream: str, partition: int, removed: int, unread: int) -> None:
        self.stats.trimmed += removed
        if unread > 0:
            self.stats.lost_unread += unread
            logger.error(
                "the log is above its hard limit of %d bytes: %d unread entries of %s/%d removed",
                self._retention.hard_bytes, unread, stream, partition,
            )  # fmt: skip
