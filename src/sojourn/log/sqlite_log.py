"""The log in one SQLite file: durable with nothing to install."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw

from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Clock, Entry
from sojourn.log import tables
from sojourn.log.clock import WallClock
from sojourn.log.database import as_log_unavailable, open_database
from sojourn.log.group_writer import GroupWriter, Job, Values
from sojourn.log.partitions import check_stream, checked, split
from sojourn.log.retention import Retention
from sojourn.log.rewriting import rewrite, scrub
from sojourn.log.sqlite_reader import SqliteReader
from sojourn.log.tail import Chunk, Tail
from sojourn.log.trimming import LogStats, Trimmer
from sojourn.log.wakeups import Wakeups

_READ_THREADS = 4


class SqliteLog:
    """An `EventLog` in the file `path`; see `sojourn.core.ports.EventLog` for the promises.

    `partitions` gives the number of partitions by stream (1 where it says nothing). The
    number of an existing stream may grow, after which keys move to other partitions; it never
    shrinks: the larger of the two counts. Several processes may append to and read one log at
    the same time; each commit waits for its turn.
    """

    def __init__(
        self,
        path: Path,
        partitions: Mapping[str, int] | None = None,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        clock: Clock | None = None,
    ) -> None:
        """Open or create the log. Raises `InvalidSettings` or `LogUnavailable`."""
        self._path = path
        self.clock: Clock = clock or WallClock()
        self.wakeups = Wakeups()
        self._closed = False
        self._threads = ThreadPoolExecutor(_READ_THREADS, thread_name_prefix="sojourn-log-read")
        self._of_thread = threading.local()
        self._read_connections: list[apsw.Connection] = []
        self._partitions = self._open(checked(partitions))
        self.tail = Tail(self._partitions)
        self._added: list[tuple[str, int, Chunk]] = []
        self._trimmer = Trimmer(retention, self.clock, self.tail.forget)
        self._writer = GroupWriter(self._connect, self._append, self._committed, self._trimmer.step)

    @property
    def stats(self) -> LogStats:
        """What retention removed since this log was opened."""
        return self._trimmer.stats

    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        """Append all or none; returns once they are on disk. Raises `LogUnavailable`."""
        if not entries:
            return
        number = self._partitions.get(stream) or await self.declare(stream)
        values = {(stream, part): rows for part, rows in split(entries, number).items()}
        await self._submit(values, None)

    def reader(self, stream: str, name: str, since: int = 0) -> SqliteReader:
        """The reader `name` of `stream`; `since` (ms) is where a new name starts."""
        check_stream(stream)
        return SqliteReader(self, stream, name, since)

    async def streams(self) -> Sequence[str]:
        """The names of all streams."""
        found: dict[str, int] = await self.in_thread(tables.streams)
        return sorted(found)

    async def rewrite(
        self, stream: str, change: Callable[[bytes], bytes | None], progress: Callable[[int], None]
    ) -> int:
        """Replace stored values; see `sojourn.core.ports.Erasable`."""
        return await rewrite(self, stream, change, progress)

    async def scrub(self) -> None:
        """Leave nothing of replaced and deleted values in the files."""
        await scrub(self)

    async def size(self) -> int:
        """What the entries of all streams take, bytes."""
        found: int = await self.in_thread(tables.size)
        return found

    async def close(self) -> None:
        """Write what was accepted, then release the file. Safe to call twice."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def declare(self, stream: str) -> int:
        """Create `stream` if it is not there; the number of its partitions."""
        number = self._partitions.get(stream)
        if number is None:
            check_stream(stream)
            number = await self.in_transaction(lambda it: tables.declare(it, stream, 1))
            self._partitions[stream] = number
        return number

    async def in_transaction(self, call: Callable[[apsw.Connection], Any]) -> Any:
        """Run `call(connection)` in the writer's next transaction; returns once it is on disk."""
        return await self._submit(None, call)

    async def in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """Run `call(connection, *args)`, which only reads, beside the event loop."""
        if self._closed:
            raise LogUnavailable("the log is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._with_connection, call, *args)

    def _submit(
        self, values: Values | None, call: Callable[[apsw.Connection], Any] | None
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._writer.submit(Job(future, values, call))
        return future

    def _with_connection(self, call: Callable[..., Any], *args: Any) -> Any:
        """In a thread of the pool: each has a connection of its own."""
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._connect()
            self._read_connections.append(connection)
        try:
            return call(connection, *args)
        except apsw.Error as error:
            raise LogUnavailable(str(error)) from error

    def _open(self, wanted: Mapping[str, int]) -> dict[str, int]:
        connection = self._connect()
        try:
            with as_log_unavailable(), connection:
                for stream, number in wanted.items():
                    tables.declare(connection, stream, number)
                there = tables.streams(connection)
        finally:
            connection.close()
        return there

    def _connect(self) -> apsw.Connection:
        return open_database(self._path, tables.SQL["schema"], tables.FORMAT)

    def _append(self, connection: apsw.Connection, values: Values) -> None:
        now = self.clock.now_ms()
        self._added = [
            (stream, partition, tables.append(connection, now, stream, partition, added))
            for (stream, partition), added in values.items()
        ]

    def _committed(self) -> None:
        added, self._added = self._added, []
        for stream, partition, chunk in added:
            self.tail.add(stream, partition, chunk)
        self.wakeups.wake({stream for stream, _, _ in added})

    def _close(self) -> None:
        self._closed = True
        self._writer.close()
        self._threads.shutdown()
        while self._read_connections:
            self._read_connections.pop().close(True)
