"""What the suite for logs is made of: a clock that stands still, entries, reading them all."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sojourn.core.ports import Entry, EventLog, LogReader, Stored

OpenLog = Callable[..., EventLog]
"""`open_log(partitions=None, clock=None)`; a second call opens the same storage again."""

PLENTY = 1 << 30
PATIENCE_S = 10.0


class ManualClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self.now


async def read_all(reader: LogReader, count: int, max_bytes: int = PLENTY) -> list[Stored]:
    """Read until `count` entries are there. Raises `AssertionError` after ten seconds."""
    found: list[Stored] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {len(found)} of {count} entries came"
        found += await reader.read(max_bytes, 0.5)
    return found


def last_of(entries: Sequence[Stored]) -> dict[int, int]:
    """The last offset by partition: what to commit when `entries` are done with."""
    return {entry.partition: entry.offset for entry in entries}


@asynccontextmanager
async def opened(open_log: OpenLog, **options: object) -> AsyncIterator[EventLog]:
    """A log that is closed at the end."""
    log = open_log(**options)
    try:
        yield log
    finally:
        await log.close()


def numbered(count: int, key: str = "k", start: int = 0) -> list[Entry]:
    """Entries with the values `b"0"`, `b"1"`, …"""
    return [Entry(key, b"%d" % number) for number in range(start, start + count)]
