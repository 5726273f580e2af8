"""A reader of the SQLite log, with a durable position per partition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import apsw

from sojourn.core.ports import Clock, Lag, Stored
from sojourn.log import tables
from sojourn.log.partitions import check_named
from sojourn.log.tail import Tail
from sojourn.log.wakeups import Wakeups

_POLL_SECONDS = 0.25
"""Appends of this process wake a reader at once; those of others are seen by looking."""


class ReadableLog(Protocol):
    """What a reader needs of the log."""

    clock: Clock
    wakeups: Wakeups
    tail: Tail

    async def declare(self, stream: str) -> int:
        """Create the stream if needed; the number of its partitions."""
        ...

    async def in_transaction(self, call: Callable[[apsw.Connection], Any]) -> Any:
        """Run `call` in the writer's next transaction."""
        ...

    async def in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """Run `call(connection, *args)` beside the event loop."""
        ...


class SqliteReader:
    """See `sojourn.core.ports.LogReader`. One task at a time may use it.

    A new name is entered in the log with its first `read` or `lag`: from then on retention
    waits for it. A reader without a name is entered nowhere.
    """

    def __init__(self, log: ReadableLog, stream: str, name: str, since: int) -> None:
        self._log = log
        self._stream = stream
        self._name = name
        self._since = since
        self._next: dict[int, int] = {}
        """By partition, the offset after which `read` goes on. Empty: not started."""
        self._turn = 0

    async def read(self, max_bytes: int, wait: float) -> Sequence[Stored]:
        """The next entries; waits up to `wait` seconds for the first."""
        await self._start()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            ticket = self._log.wakeups.ticket(self._stream)
            try:
                found = self._from_tail(max_bytes)
                if not found:
                    found = await self._log.in_thread(self._fetch, max_bytes)
                left = deadline - loop.time()
                if found or left <= 0:
                    return self._took(found)
                await asyncio.wait((ticket,), timeout=min(left, _POLL_SECONDS))
            finally:
                self._log.wakeups.give_back(self._stream, ticket)

    async def commit(self, positions: Mapping[int, int]) -> None:
        """Remember, per partition, the offset of the last entry that is done with."""
        check_named(self._name, self._stream)
        stream, name, offsets, now = self._stream, self._name, dict(positions), self._now()
        await self._log.in_transaction(
            lambda connection: tables.set_positions(connection, stream, name, offsets, now)
        )

    async def lag(self) -> Lag:
        """Entries not committed (without a name: not read), and the oldest's age in seconds."""
        await self._start()
        lag: Lag = await self._log.in_thread(self._behind)
        return lag

    async def _start(self) -> None:
        if self._next:
            return
        number = await self._log.declare(self._stream)
        if not self._name:
            self._next = await self._log.in_thread(self._starts, range(number))
            return
        self._next = await self._log.in_transaction(
            lambda connection: self._register(connection, number)
        )

    def _register(self, connection: apsw.Connection, number: int) -> dict[int, int]:
        """The positions to start from; those that are new are written down."""
        known = tables.positions(connection, self._stream, self._name)
        fresh = [partition for partition in range(number) if partition not in known]
        everywhere = {**known, **self._starts(connection, fresh)}
        tables.set_positions(connection, self._stream, self._name, everywhere, self._now())
        return everywhere

    def _starts(self, connection: apsw.Connection, partitions: Iterable[int]) -> dict[int, int]:
        """Where a reader without positions starts."""
        return {
            partition: tables.first_since(connection, self._stream, partition, self._since) - 1
            for partition in partitions
        }

    def _from_tail(self, max_bytes: int) -> list[Stored]:
        found: list[Stored] = []
        for partition in self._in_turn():
            size = sum(len(entry.value) for entry in found)
            if size >= max_bytes:
                break
            after = self._next[partition]
            found += self._log.tail.after(self._stream, partition, after, max_bytes - size)
        return found

    def _in_turn(self) -> list[int]:
        """The partitions; another one has the first turn each time."""
        partitions = sorted(self._next)
        turn = self._turn % len(partitions)
        return partitions[turn:] + partitions[:turn]

    def _fetch(self, connection: apsw.Connection, max_bytes: int) -> list[Stored]:
        """About `max_bytes` of values."""
        found: list[Stored] = []
        size = 0
        for partition in self._in_turn():
            query = tables.SQL["read"].format(table=tables.table_of(self._stream, partition))
            for offset, appended_at, value in connection.execute(query, (self._next[partition],)):
                if found and size + len(value) > max_bytes:
                    return found
                found.append(Stored(partition, offset, appended_at, value))
                size += len(value)
        return found

    def _took(self, found: list[Stored]) -> list[Stored]:
        self._turn += 1
        for entry in found:
            self._next[entry.partition] = entry.offset
        return found

    def _behind(self, connection: apsw.Connection) -> Lag:
        entries, oldest = 0, None
        done = tables.positions(connection, self._stream, self._name) if self._name else self._next
        for partition, position in done.items():
            there = tables.bounds(connection, self._stream, partition)
            start = max(position + 1, there.first)
            if start > there.last:
                continue
            entries += there.last - start + 1
            first = tables.appended_from(connection, self._stream, partition, start)
            if first is not None and (oldest is None or first[1] < oldest):
                oldest = first[1]
        seconds = 0.0 if oldest is None else max(0.0, (self._now() - oldest) / 1000)
        return Lag(entries, seconds)

    def _now(self) -> int:
        return self._log.clock.now_ms()
