"""Replay: any stretch of *raw* through the processor into any tables, as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sojourn.core.ports import RAW, Clock, Entry, EventLog, Tables
from sojourn.log import MemoryLog
from sojourn.pipeline.loader import Loader
from sojourn.pipeline.processor import Processor

_READ_BYTES = 8 << 20


async def replay(
    log: EventLog,
    tables: Tables,
    clock: Clock,
    since: int,
    until: int,
    progress: Callable[[int, int], None] = lambda events, at: None,
) -> int:
    """Load what was received in [`since`, `until`) (ms since the epoch) into `tables`.

    What is there already changes nothing, so a replay that was cut short is simply run again.
    `progress` is told the events so far and the time that the replay has reached. Returns the
    number of events.
    """
    reader = log.reader(RAW, "", since)
    events = 0
    while entries := await reader.read(_READ_BYTES, 0):
        wanted = [Entry("", entry.value) for entry in entries if entry.appended_at < until]
        if not wanted:
            break
        passage = MemoryLog()
        await passage.append(RAW, wanted)
        # The tables know doubles by their keys; the processor need not remember any.
        await Processor(passage, _NoState(), clock, dedup_window_ms=0).drain()
        events += await Loader(passage, tables, clock, interval_s=0).drain()
        await passage.close()
        progress(events, entries[-1].appended_at)
    return events


class _NoState:
    """A `StateStore` that remembers nothing: a replay wants every event."""

    def get(self, space: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {}

    def put(self, space: str, values: Mapping[str, bytes], expires_at: int) -> None:
        pass

    def delete(self, space: str, keys: Sequence[str]) -> None:
        pass
