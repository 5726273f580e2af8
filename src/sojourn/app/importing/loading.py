"""Events past the log into the embedded warehouse, and events into the log."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from sojourn.core.envelope import pack_events
from sojourn.core.ports import DEAD, EVENTS, Batch, Clock, Entry, EventLog, Loaded
from sojourn.log import MemoryLog
from sojourn.pipeline.loader import Loader, LoaderCounts
from sojourn.pipeline.lot import BUCKETS, MAX_ENTRY_BYTES
from sojourn.warehouse.duckdb import DuckDBTables


async def load_lines(
    log: EventLog,
    tables: DuckDBTables,
    clock: Clock,
    source_id: str,
    lines: Sequence[bytes],
    sessions: bool = True,
) -> LoaderCounts:
    """Load events as the loader does: what no table takes becomes a dead letter in `log`.

    Without `sessions`, they are rows only.
    """
    passage = _Passage(log)
    persons = [str(number % BUCKETS) for number in range(len(lines))]
    await passage.append(EVENTS, list(entries(source_id, clock.now_ms(), lines, persons)))
    loader = Loader(passage, tables if sessions else _WithoutSessions(tables), clock, interval_s=0)
    await loader.drain()
    await passage.close()
    return loader.counts


def entries(
    source_id: str, now_ms: int, lines: Sequence[bytes], persons: Sequence[str]
) -> Iterator[Entry]:
    """Entries of the stream *events*: those of one person in one partition, in order."""
    groups: dict[int, list[bytes]] = {}
    sizes: dict[int, int] = {}
    for line, person in zip(lines, persons, strict=True):
        bucket = zlib.crc32(person.encode("utf-8", "replace")) % BUCKETS
        if sizes.get(bucket, 0) + len(line) > MAX_ENTRY_BYTES and bucket in groups:
            yield _entry(source_id, bucket, now_ms, groups.pop(bucket))
            sizes[bucket] = 0
        groups.setdefault(bucket, []).append(line)
        sizes[bucket] = sizes.get(bucket, 0) + len(line)
    for bucket, some in groups.items():
        yield _entry(source_id, bucket, now_ms, some)


def _entry(source_id: str, bucket: int, now_ms: int, lines: Sequence[bytes]) -> Entry:
    return Entry(f"{source_id}:{bucket}", pack_events(Batch(source_id, now_ms, lines)))


class _Passage(MemoryLog):
    """A log for one lot, whose dead letters go to the real one."""

    def __init__(self, log: EventLog) -> None:
        super().__init__()
        self._log = log

    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        if stream == DEAD:
            await self._log.append(stream, entries)
        else:
            await super().append(stream, entries)


class _WithoutSessions:
    """The tables, for rows that are no events."""

    def __init__(self, tables: DuckDBTables) -> None:
        self._tables = tables

    def load(self, batches: Sequence[Batch]) -> Loaded:
        return self._tables.load(batches, sessions=False)

    def close(self) -> None:
        pass
