"""Writes to one stream: whatever is waiting goes into one message."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from nats.js.api import Header

from sojourn.core.errors import LogUnavailable, SojournError
from sojourn.log.jetstream.connection import Connection
from sojourn.log.jetstream.wire import ENTRIES, MOST_ENTRIES, PARTS, pack, packed_size
from sojourn.log.wakeups import call_in_loop

_HEADERS_BYTES = 16 * 1024
"""Room for the headers, which count as part of a message's size."""


@dataclass(frozen=True)
class Append:
    """Values by partition, and who waits for them."""

    values: Mapping[int, list[bytes]]
    future: asyncio.Future[None]
    deadline: float
    """By the clock of the connection's loop."""

    @property
    def size(self) -> int:
        """The bytes that it takes in a message."""
        return sum(map(packed_size, self.values.values()))


class Publisher:
    """One message is under way at a time, so that entries keep their order when one is sent again.

    Each message has an id, by which the server knows it again (for two minutes): a message whose
    acknowledgement was lost is sent again and is in the stream once.
    """

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection = connection
        server = connection.server
        self._stream = server.stream(stream)
        self._subject = server.subject(stream, "entries")
        self._part_subject = server.subject(stream, "part")
        self._waiting: deque[Append] = deque()
        self._task: asyncio.Task[None] | None = None

    def submit(self, append: Append) -> None:
        """Take an append; its future is resolved once it is on disk. In the connection's loop."""
        self._waiting.append(append)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def finish(self) -> None:
        """Wait until everything that was taken is written or given up."""
        while self._task is not None and not self._task.done():
            await asyncio.wait((self._task,))

    async def write(
        self,
        values: Mapping[int, list[bytes]],
        more_headers: Mapping[str, str],
        deadline: float | None = None,
    ) -> None:
        """Write values by partition; returns once they are on disk. Raises `LogUnavailable`."""
        if sum(map(len, values.values())) > MOST_ENTRIES:
            raise LogUnavailable(f"one append takes at most {MOST_ENTRIES} entries")
        room = self._room
        header, body = pack(values)
        name = uuid4().hex
        parts: list[str] = []
        start = 0
        while len(body) - start > room:
            part, part_name = body[start : start + room], f"{name}.{len(parts)}"
            headers = {Header.MSG_ID.value: part_name}
            parts.append(str(await self._publish(self._part_subject, part, headers, deadline)))
            start += room
        headers = {Header.MSG_ID.value: name, ENTRIES: header, **more_headers}
        if parts:
            headers[PARTS] = ",".join(parts)
        await self._publish(self._subject, body[start:], headers, deadline)

    @property
    def _room(self) -> int:
        """For the body of a message."""
        return self._connection.client.max_payload - _HEADERS_BYTES

    async def _work(self) -> None:
        while self._waiting:
            group = self._next_group()
            error: SojournError | None = None
            try:
                await self._write_group(group)
            except SojournError as failed:
                error = failed
            except asyncio.CancelledError:
                error = LogUnavailable("the log is closed")
                group += self._waiting
                self._waiting.clear()
            _answer(group, error)

    def _next_group(self) -> list[Append]:
        """The next append, and those behind it that fit into the same message."""
        group = [self._waiting.popleft()]
        size = group[0].size
        while self._waiting and (size := size + self._waiting[0].size) <= self._room:
            group.append(self._waiting.popleft())
        return group

    async def _write_group(self, group: list[Append]) -> None:
        merged: dict[int, list[bytes]] = {}
        for append in group:
            for partition, values in append.values.items():
                merged.setdefault(partition, []).extend(values)
        await self.write(merged, {}, group[0].deadline)

    async def _publish(
        self, subject: str, body: bytes, headers: dict[str, str], deadline: float | None
    ) -> int:
        """Publish until it is acknowledged; the sequence that it has in the stream."""
        jetstream = self._connection.jetstream
        ack = await self._connection.persist(
            lambda: jetstream.publish(subject, body, stream=self._stream, headers=dict(headers)),
            deadline,
        )
        return ack.seq


def _answer(group: list[Append], error: SojournError | None) -> None:
    """Resolve the futures: one wake-up per event loop, not one per append."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for append in group:
        loops.setdefault(append.future.get_loop(), []).append(append.future)
    for loop, futures in loops.items():
        call_in_loop(loop, _resolve, futures, error)


def _resolve(futures: list[asyncio.Future[None]], error: SojournError | None) -> None:
    for future in futures:
        if future.done():  # its task was cancelled
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
