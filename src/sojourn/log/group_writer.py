"""The one thread that writes to the log: whatever is waiting shares a transaction and an fsync."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import apsw

from sojourn.core.errors import LogUnavailable, SojournError
from sojourn.log.wakeups import call_in_loop

Values = Mapping[tuple[str, int], list[bytes]]
"""What to append: values by stream and partition."""


@dataclass
class Job:
    """Work for the next transaction: values to append, or a call, and who waits for it."""

    future: asyncio.Future[Any]
    values: Values | None = None
    call: Callable[[apsw.Connection], Any] | None = None
    result: Any = None


class GroupWriter:
    """Runs jobs in groups: a group is all that came in while the last one was being synced.

    `append(connection, values)` writes the group's values, possibly none; `committed()` is
    called after the commit and before anybody is told of it; `upkeep(connection)` runs between
    groups, in a transaction of its own, at most every `upkeep_every` seconds, and answers if
    there is more to do.
    """

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        append: Callable[[apsw.Connection, Values], None],
        committed: Callable[[], None],
        upkeep: Callable[[apsw.Connection], bool],
        upkeep_every: float = 30.0,
    ) -> None:
        self._connect = connect
        self._append = append
        self._committed = committed
        self._upkeep = upkeep
        self._upkeep_every = upkeep_every
        self._next_upkeep = monotonic() + 1.0
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._connection: apsw.Connection | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="sojourn-log", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Hand over a job. Raises `LogUnavailable` once closed."""
        with self._lock:
            if self._closed:
                raise LogUnavailable("the log is closed")
            self._queue.put(job)

    def close(self) -> None:
        """Do what was handed over, then end the thread. Blocks; safe to call twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._next_group()
            if group:
                self._write(group)
            if going and monotonic() >= self._next_upkeep:
                self._keep_up()
        self._disconnect()

    def _next_group(self) -> tuple[list[Job], bool]:
        try:
            first = self._queue.get(timeout=max(0.0, self._next_upkeep - monotonic()))
        except Empty:
            return [], True
        return self._drain([first]) if first is not None else ([], False)

    def _drain(self, group: list[Job]) -> tuple[list[Job], bool]:
        try:
            while (job := self._queue.get_nowait()) is not None:
                group.append(job)
        except Empty:
            return group, True
        return group, False

    def _write(self, group: list[Job]) -> None:
        try:
            self._transaction(group)
        except (apsw.Error, OSError) as error:
            self._disconnect()
            self._answer(group, LogUnavailable(str(error)))
        except SojournError as error:
            self._answer(group, error)
        else:
            self._committed()
            self._answer(group, None)

    def _transaction(self, group: list[Job]) -> None:
        merged: dict[tuple[str, int], list[bytes]] = {}
        for job in group:
            for place, values in (job.values or {}).items():
                merged.setdefault(place, []).extend(values)
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._append(connection, merged)
            for job in group:
                if job.call is not None:
                    job.result = job.call(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _keep_up(self) -> None:
        """Trim. Losing a round is no harm: the next one does the same work."""
        more = False
        try:
            connection = self._connected()
            with connection:
                more = self._upkeep(connection)
        except (apsw.Error, OSError, SojournError):
            self._disconnect()
        self._next_upkeep = monotonic() + (0.05 if more else self._upkeep_every)

    def _connected(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close(True)
            self._connection = None

    def _answer(self, group: list[Job], error: SojournError | None) -> None:
        """Resolve the futures: one wake-up per event loop, not one per job."""
        loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in group:
            loops.setdefault(job.future.get_loop(), []).append(job)
        for loop, jobs in loops.items():
            call_in_loop(loop, _resolve, jobs, error)


def _resolve(jobs: list[Job], error: SojournError | None) -> None:
    for job in jobs:
        if job.future.done():  # its task was cancelled
            continue
        if error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(error)
