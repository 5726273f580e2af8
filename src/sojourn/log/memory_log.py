"""The log in memory: for tests, and for embedding where nothing has to last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Clock, Entry, Lag, Stored
from sojourn.log.clock import WallClock
from sojourn.log.partitions import check_named, check_stream, checked, split
from sojourn.log.wakeups import Wakeups


class MemoryLog:
    """An `EventLog` that keeps everything, and keeps it only as long as the process lives."""

    def __init__(
        self, partitions: Mapping[str, int] | None = None, clock: Clock | None = None
    ) -> None:
        self._numbers = checked(partitions)
        self._entries: dict[str, list[list[Stored]]] = {}
        self._positions: dict[tuple[str, str], dict[int, int]] = {}
        self.clock: Clock = clock or WallClock()
        self.wakeups = Wakeups()
        self._closed = False

    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        """Append all entries. Raises `LogUnavailable` once closed."""
        if self._closed:
            raise LogUnavailable("the log is closed")
        parts = self.partitions(stream)
        now = self.clock.now_ms()
        for partition, values in split(entries, len(parts)).items():
            rows = parts[partition]
            at = max(now, rows[-1].appended_at) if rows else now
            rows.extend(
                Stored(partition, offset, at, bytes(value))
                for offset, value in enumerate(values, len(rows) + 1)
            )
        self.wakeups.wake((stream,))

    def reader(self, stream: str, name: str, since: int = 0) -> MemoryReader:
        """The reader `name` of `stream`; `since` (ms) is where a new name starts."""
        check_stream(stream)
        return MemoryReader(self, stream, name, since)

    async def streams(self) -> Sequence[str]:
        """The names of all streams."""
        return sorted(self._entries)

    async def rewrite(
        self, stream: str, change: Callable[[bytes], bytes | None], progress: Callable[[int], None]
    ) -> int:
        """Replace stored values; see `sojourn.core.ports.Erasable`."""
        changed = 0
        for rows in self.partitions(stream):
            for at, row in enumerate(rows):
                value = change(row.value)
                progress(len(row.value))
                if value is not None:
                    rows[at] = row._replace(value=value)
                    changed += 1
        return changed

    async def scrub(self) -> None:
        """Nothing is left of replaced values anyway."""

    async def close(self) -> None:
        """Refuse what comes from now on."""
        self._closed = True

    def partitions(self, stream: str) -> list[list[Stored]]:
        """The entries of `stream` by partition."""
        check_stream(stream)
        return self._entries.setdefault(stream, [[] for _ in range(self._numbers.get(stream, 1))])

    def positions(self, stream: str, reader: str, since: int) -> dict[int, int]:
        """The committed positions of a reader; a new one starts at `since`."""
        known = self._positions.setdefault((stream, reader), {}) if reader else {}
        for partition, rows in enumerate(self.partitions(stream)):
            if partition not in known:
                known[partition] = sum(row.appended_at < since for row in rows)
        return known


class MemoryReader:
    """See `sojourn.core.ports.LogReader`."""

    def __init__(self, log: MemoryLog, stream: str, name: str, since: int) -> None:
        self._log = log
        self._stream = stream
        self._name = name
        self._since = since
        self._next: dict[int, int] = {}

    async def read(self, max_bytes: int, wait: float) -> Sequence[Stored]:
        """The next entries; waits up to `wait` seconds for the first."""
        self._next = self._next or dict(self._committed())
        ticket = self._log.wakeups.ticket(self._stream)
        try:
            found = self._fetch(max_bytes)
            if not found and wait > 0:
                await asyncio.wait((ticket,), timeout=wait)
                found = self._fetch(max_bytes)
        finally:
            self._log.wakeups.give_back(self._stream, ticket)
        for entry in found:
            self._next[entry.partition] = entry.offset
        return found

    async def commit(self, positions: Mapping[int, int]) -> None:
        """Remember, per partition, the offset of the last entry that is done with."""
        check_named(self._name, self._stream)
        committed = self._committed()
        for partition, offset in positions.items():
            committed[partition] = max(offset, committed.get(partition, 0))

    async def lag(self) -> Lag:
        """Entries not committed (without a name: not read), and the oldest's age in seconds."""
        parts = self._log.partitions(self._stream)
        done = self._committed() if self._name or not self._next else self._next
        behind = [row for p, offset in done.items() for row in parts[p][offset:]]
        if not behind:
            return Lag(0, 0.0)
        oldest = min(row.appended_at for row in behind)
        return Lag(len(behind), max(0.0, (self._log.clock.now_ms() - oldest) / 1000))

    def _committed(self) -> dict[int, int]:
        return self._log.positions(self._stream, self._name, self._since)

    def _fetch(self, max_bytes: int) -> list[Stored]:
        found: list[Stored] = []
        size = 0
        for partition, rows in enumerate(self._log.partitions(self._stream)):
            for row in rows[self._next[partition] :]:
                if found and size + len(row.value) > max_bytes:
                    return found
                found.append(row)
                size += len(row.value)
        return found
