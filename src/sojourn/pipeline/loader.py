"""The loader: reads `events` and fills the warehouse's tables, in micro-batches.

A position is committed only after the tables have the events; a crash in between loads them
again, which changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sojourn.core.envelope import DeadLetter, pack_dead, unpack_events
from sojourn.core.errors import Transient
from sojourn.core.ports import DEAD, EVENTS, Batch, Clock, Entry, EventLog, Loaded, Stored, Tables
from sojourn.pipeline.patience import Stopped, persist

READER = "warehouse"
STAGE = "warehouse"
_IDLE_S = 0.25
_GATHER_S = 0.25
"""How long events that follow the first may join its load."""
_BEHIND_MS = 20_000
"""A loader whose events have waited longer is behind."""
_MOST_IN_A_ROW = 100
"""So many events that fail one after another, with none that can be loaded: it is not them."""
_log = logging.getLogger(__name__)


class LoadingBroken(Transient):
    """No event can be loaded; the loader keeps trying."""


@dataclass
class LoaderCounts:
    """What was loaded since the start."""

    events: int = 0
    inserted: int = 0
    duplicates: int = 0
    discarded: int = 0
    aside: int = 0

    def add(self, loaded: Loaded) -> None:
        """Count a load that is done."""
        self.events += loaded.events
        self.inserted += loaded.inserted
        self.duplicates += loaded.duplicates
        self.discarded += loaded.discarded


class Loader:
    """Fills `tables` from the log. One per warehouse.

    `interval_s`: loads start at least so far apart while events trickle in (the first after a
    pause is loaded at once); `max_bytes` of events are loaded whatever the time, and take some
    five times as much memory meanwhile. Large loads cost less an event, a third less at 32 MB
    than at 8 MB: a loader that is behind takes `catch_up_bytes`.
    """

    def __init__(
        self,
        log: EventLog,
        tables: Tables,
        clock: Clock,
        interval_s: float = 1.0,
        max_bytes: int = 8 << 20,
        name: str = READER,
        catch_up_bytes: int = 32 << 20,
    ) -> None:
        self.counts = LoaderCounts()
        self.loaded_at: int | None = None
        """When the last load was done, milliseconds since the epoch."""
        self._log = log
        self._tables = tables
        self._clock = clock
        self._name = name
        self._reader = log.reader(EVENTS, name)
        self._interval_s = interval_s
        self._max_bytes = max_bytes
        self._catch_up_bytes = max(max_bytes, catch_up_bytes)
        self._last_start = float("-inf")
        self._failed_in_a_row = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Load until `stop` is set. Waits out a log or a warehouse that is away.

        It goes on from what is loaded: what it had only read when it was stopped is read again.
        """
        self._reader = self._log.reader(EVENTS, self._name)
        try:
            while not stop.is_set():
                entries = await self._gather(stop)
                if entries:
                    await self._load_all(entries, stop)
        except Stopped:
            return

    async def drain(self) -> int:
        """Load until the events stream is empty; returns how many events were read."""
        total = 0
        never = asyncio.Event()
        self._reader = self._log.reader(EVENTS, self._name)
        while entries := await self._reader.read(self._catch_up_bytes, 0):
            total += await self._load_all(entries, never)
        return total

    async def _gather(self, stop: asyncio.Event) -> list[Stored]:
        """What to load next: all that came until the load is due, or enough of it."""
        loop = asyncio.get_running_loop()
        first = await persist("reading events", partial(self._read, self._max_bytes, _IDLE_S), stop)
        entries = list(first)
        size = sum(len(entry.value) for entry in entries)
        enough = self._enough(entries)
        due = max(loop.time() + _GATHER_S, self._last_start + self._interval_s)
        while entries and size < enough // 2 and not stop.is_set():
            left = due - loop.time()
            if left <= 0:
                break
            room, wait = enough - size, min(left, _IDLE_S)
            more = await persist("reading events", partial(self._read, room, wait), stop)
            entries += more
            size += sum(len(entry.value) for entry in more)
            # Entries come one by one while somebody writes: let some gather.
            await asyncio.sleep(min(0.05, max(0.0, due - loop.time())))
        return entries

    def _enough(self, waiting: Sequence[Stored]) -> int:
        """How many bytes to load at once, by how long the first of them have waited."""
        behind = waiting and self._clock.now_ms() - waiting[0].appended_at > _BEHIND_MS
        return self._catch_up_bytes if behind else self._max_bytes

    async def _read(self, max_bytes: int, wait: float) -> Sequence[Stored]:
        return await self._reader.read(max_bytes, wait)

    async def _load_all(self, entries: Sequence[Stored], stop: asyncio.Event) -> int:
        self._last_start = asyncio.get_running_loop().time()
        batches = [unpack_events(entry.value) for entry in entries]
        aside = await persist("loading", lambda: self._load(batches, stop), stop)
        if aside:
            dead = [Entry(f"{letter.source_id}:{STAGE}", pack_dead(letter)) for letter in aside]
            await persist("writing dead letters", lambda: self._log.append(DEAD, dead), stop)
            self.counts.aside += len(dead)
        positions: dict[int, int] = {}
        for entry in entries:
            positions[entry.partition] = entry.offset
        await persist("committing a position", lambda: self._reader.commit(positions), stop)
        self.loaded_at = self._clock.now_ms()
        return sum(len(batch.events) for batch in batches)

    async def _load(self, batches: Sequence[Batch], stop: asyncio.Event) -> list[DeadLetter]:
        """Load, and return what had to be put aside.

        If the tables fail for another reason than being away, halves are tried, down to the
        one event that is to blame. Raises `LoadingBroken` when all of them seem to be.
        """
        try:
            loaded = await persist(
                "loading", lambda: asyncio.to_thread(self._tables.load, batches), stop
            )
        except (Transient, Stopped):
            raise
        except Exception as error:
            parts = _halves(batches)
            if len(parts) > 1:
                return [letter for part in parts for letter in await self._load(part, stop)]
            self._failed_in_a_row += 1
            _log.exception("an event could not be loaded")
            if self._failed_in_a_row > _MOST_IN_A_ROW:
                raise LoadingBroken(f"{type(error).__name__}: {error}") from error
            return [_letter(batches, error)]
        self._failed_in_a_row = 0
        self.counts.add(loaded)
        return list(loaded.aside)


def _halves(batches: Sequence[Batch]) -> list[list[Batch]]:
    """Two parts of about as many events; one part if there is one event."""
    events = [(batch, event) for batch in batches for event in batch.events]
    if len(events) <= 1:
        return [list(batches)]
    middle = len(events) // 2
    return [
        [Batch(batch.source_id, batch.received_at, (event,)) for batch, event in part]
        for part in (events[:middle], events[middle:])
    ]


def _letter(batches: Sequence[Batch], error: Exception) -> DeadLetter:
    batch = next(batch for batch in batches if batch.events)
    reason = f"{type(error).__name__}: {error}"
    return DeadLetter(batch.source_id, batch.received_at, STAGE, reason, batch.events[0])
