"""The processor: reads `raw`, writes `events`, and `dead` for what is no event.

Per lot, in this order: append the dead letters, append the events, remember their ids, commit
the position. A crash between any two leaves the lot to be processed again, which doubles at
most what was appended and never loses an event (see `sojourn.pipeline.seen`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sojourn.core.ports import DEAD, EVENTS, RAW, Clock, Entry, EventLog, StateStore, Stored
from sojourn.pipeline.geography import Geography
from sojourn.pipeline.lot import Lot, Suppressed, prepare
from sojourn.pipeline.patience import Stopped, persist
from sojourn.pipeline.seen import Seen

READER = "processor"
_IDLE_S = 0.25


@dataclass
class ProcessorCounts:
    """How many events went which way since the start."""

    accepted: int = 0
    duplicates: int = 0
    suppressed: int = 0
    rejected: int = 0

    def add(self, lot: Lot) -> None:
        """Count a lot that is done."""
        self.accepted += lot.accepted
        self.duplicates += lot.duplicates
        self.suppressed += lot.suppressed
        self.rejected += lot.rejected


class Processor:
    """Turns what arrived into events. One per log.

    `dedup_window_ms`: how long an id is remembered after first sight, 0 for no deduplication.
    `suppressed(source_id, user_id)` tells whether a user's events are to be thrown away.
    `max_bytes`: about how much is processed at a time; the computing is done in a thread.
    `geography`: sets where each event came from.
    """

    def __init__(
        self,
        log: EventLog,
        state: StateStore,
        clock: Clock,
        dedup_window_ms: int = 3_600_000,
        suppressed: Suppressed | None = None,
        max_bytes: int = 4 << 20,
        geography: Geography | None = None,
    ) -> None:
        self.counts = ProcessorCounts()
        self._log = log
        self._reader = log.reader(RAW, READER)
        self._seen = Seen(state, clock, dedup_window_ms)
        self._suppressed = suppressed
        self._max_bytes = max_bytes
        self._geography = geography

    async def run(self, stop: asyncio.Event) -> None:
        """Process until `stop` is set. Waits out a log that is away.

        It goes on from what is done: what it had only read when it was stopped is read again.
        """
        self._start()
        try:
            while not stop.is_set():
                entries = await persist("reading raw", lambda: self._read(_IDLE_S), stop)
                if entries:
                    await self._process(entries, stop)
        except Stopped:
            return

    async def drain(self) -> int:
        """Process until the raw stream is empty; returns how many events it held."""
        total = 0
        never = asyncio.Event()
        self._start()
        while entries := await self._read(0):
            total += await self._process(entries, never)
        return total

    def _start(self) -> None:
        self._reader = self._log.reader(RAW, READER)
        self._seen.read_anew()

    async def _read(self, wait: float) -> Sequence[Stored]:
        return await self._reader.read(self._max_bytes, wait)

    async def _process(self, entries: Sequence[Stored], stop: asyncio.Event) -> int:
        lot = await persist("looking up message ids", lambda: self._prepare(entries), stop)
        await self._append(DEAD, lot.dead, stop)
        await self._append(EVENTS, lot.events, stop)
        await persist("remembering message ids", lambda: self._remember(lot), stop)
        await persist("committing a position", lambda: self._reader.commit(lot.positions), stop)
        self.counts.add(lot)
        return lot.total

    async def _prepare(self, entries: Sequence[Stored]) -> Lot:
        return await asyncio.to_thread(
            prepare, entries, self._seen, self._suppressed, self._geography
        )

    async def _remember(self, lot: Lot) -> None:
        await asyncio.to_thread(self._seen.remember, lot.keys)

    async def _append(self, stream: str, entries: list[Entry], stop: asyncio.Event) -> None:
        if entries:
            await persist(f"writing {stream}", lambda: self._log.append(stream, entries), stop)
