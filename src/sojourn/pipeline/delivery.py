"""Delivery: one destination reads the events at its own pace, and nothing is lost on the way.

Order is kept per person; an event leaves the log's position only once the far end has it or
the dead letters do. What fails is tried again with growing waits; people whose events wait are
kept aside, so that the others go on. A destination that is down is left alone by a circuit
breaker. After a crash, events whose delivery was not recorded yet are delivered once more,
with the same idempotence key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from sojourn.core.errors import Transient
from sojourn.core.ports import (
    EVENTS,
    Clock,
    Destination,
    EventLog,
    Lag,
    StateStore,
)
from sojourn.pipeline.delivery_calls import Burial, Caller
from sojourn.pipeline.delivery_filter import EventFilter
from sojourn.pipeline.delivery_ledger import Ledger
from sojourn.pipeline.delivery_queue import Queue
from sojourn.pipeline.delivery_reading import Intake, private_stream
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.pipeline.delivery_stats import DeliveryStats

_log = logging.getLogger(__name__)

READ_BYTES = 1 << 20
READ_WAIT_S = 5.0
FLUSH_EVERY_S = 0.05
"""Positions and attempts are written at most this often."""
PAGE_EVENTS = 500


class Delivery:
    """Delivers the stream `events` to one destination, and closes it at the end.

    `since` (ms since the epoch) is where a destination that is new to the log starts. `name`
    is the destination's, and the stage of its dead letters.
    """

    def __init__(
        self,
        name: str,
        destination: Destination,
        log: EventLog,
        state: StateStore,
        clock: Clock,
        settings: DeliverySettings = DeliverySettings(),  # noqa: B008 - frozen
        *,
        since: int = 0,
    ) -> None:
        self.name = name
        self.stats = DeliveryStats()
        self._destination = destination
        self._log = log
        self._clock = clock
        self._settings = settings
        self._queue = Queue(destination.capabilities)
        self._ledger = Ledger(name, state)
        self._filter = EventFilter(settings, getattr(destination, "integration_names", ()))
        self._intake = Intake(self._queue, self._ledger, self._filter, self.stats)
        starts = {EVENTS: since, private_stream(name): 0}
        # A reader serves one task at a time: one reads, its twin commits and tells the lag.
        self._readers, self._positions = (
            {
                stream: log.reader(stream, f"destination:{name}", start)
                for stream, start in starts.items()
            }
            for _ in range(2)
        )
        self._caller = Caller(
            name,
            destination,
            self._queue,
            self._ledger,
            Burial(name, log, self.stats),
            clock,
            settings,
            self.stats,
            self._filter.masked,
            self._note,
        )
        self._room = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then finish the calls under way and write the positions."""
        for item in self._ledger.load():
            self._queue.add(item)
        reading = [asyncio.create_task(self._read(stream)) for stream in self._readers]
        working = [
            asyncio.create_task(self._caller.serve()) for _ in range(self._settings.concurrency)
        ]
        flushing = asyncio.create_task(self._flush_on_change())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait(
                [stopped, flushing, *reading, *working], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._caller.stop()
            await _cancelled([stopped, flushing, *reading])
            await asyncio.wait(working, timeout=self._settings.stop_within)
            await _cancelled(working)
            await self._flush()
            await self._destination.close()
        for task in (flushing, *reading, *working):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def drain(self) -> None:
        """Wait until all that is in the log is done with: delivered or among the dead letters."""
        while self._queue.size or self.stats.in_flight or (await self.lag()).entries:  # noqa: ASYNC110 - the log tells no one
            await asyncio.sleep(FLUSH_EVERY_S)

    async def lag(self) -> Lag:
        """How far behind the destination is; noted in `stats` too."""
        lags = [await reader.lag() for reader in self._positions.values()]
        self.stats.lag_events = sum(lag.entries for lag in lags)
        self.stats.lag_seconds = max(lag.seconds for lag in lags)
        return Lag(self.stats.lag_events, self.stats.lag_seconds)

    async def _read(self, stream: str) -> None:
        reader = self._readers[stream]
        while True:
            while not self._has_room():
                self._room.clear()
                await self._room.wait()
            try:
                entries = await reader.read(READ_BYTES, READ_WAIT_S)
            except Transient as error:
                _log.warning("%s: the log cannot be read: %s", self.name, error)
                await asyncio.sleep(1)
                continue
            if entries:
                self._intake.take(stream, entries)
                self._note()

    def _has_room(self) -> bool:
        settings, queue = self._settings, self._queue
        return queue.events < settings.window_events and queue.bytes < settings.window_bytes

    def _note(self) -> None:
        """Something changed: wake those who wait for it."""
        self._keep_aside()
        self.stats.pending, self.stats.parked = self._queue.size, self._queue.parked
        self.stats.down = self._caller.down
        self._caller.wake()
        if self._has_room():
            self._room.set()
        if self._ledger.changed:
            self._changed.set()

    def _keep_aside(self) -> None:
        """Keep the events of people that wait aside, before they fill the window."""
        queue, settings = self._queue, self._settings
        if self._caller.down or 2 * queue.events < settings.window_events:
            return
        while queue.parked < settings.parked_events:
            items = queue.held(min(PAGE_EVENTS, settings.parked_events - queue.parked))
            if not items:
                return
            queue.park(items, self._ledger.park(items))

    async def _flush_on_change(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._flush()
            await asyncio.sleep(FLUSH_EVERY_S)

    async def _flush(self) -> None:
        try:
            for stream, positions in self._ledger.flush().items():
                await self._positions[stream].commit(positions)
            self._ledger.committed()
        except Transient as error:
            _log.warning("%s: positions cannot be written: %s", self.name, error)
            self._changed.set()


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
