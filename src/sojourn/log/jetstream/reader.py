"""A reader of a JetStream log, with a durable position per partition."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from sojourn.core.ports import Clock, Lag, Stored
from sojourn.log.jetstream.bucket import Bucket, quoted
from sojourn.log.jetstream.connection import Connection
from sojourn.log.jetstream.cursor import Cursor, whole
from sojourn.log.jetstream.position import Position
from sojourn.log.jetstream.pull import Message, Pull, first_since
from sojourn.log.jetstream.wire import AT, ENTRIES, before, passed_by, sequence_of, unpack
from sojourn.log.partitions import check_named

COUNTED = 2_000
"""A lag of more messages is estimated from so many."""

logger = logging.getLogger("sojourn.log")


class NatsReader:
    """See `sojourn.core.ports.LogReader`. One task at a time may use it.

    A new name is entered in the bucket with its first `read` or `lag`: from then on retention
    waits for it. A reader without a name is entered nowhere.
    """

    def __init__(
        self,
        connection: Connection,
        bucket: Bucket,
        clock: Clock,
        stream: str,
        name: str,
        since: int,
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._ready = ready
        self._connection = connection
        self._bucket = bucket
        self._clock = clock
        self._stream = stream
        self._name = name
        self._since = since
        self._start: Position | None = None
        """Where this object started."""
        self._returned: dict[int, int] = {}
        self._frontier = 0
        """Everything up to this offset was returned."""
        self._cursor = Cursor(connection, stream, 1)
        self._at_least = 0
        """The time (ms) of the first entry that is wanted: rewritten ones come late."""
        self._ahead: deque[Stored] = deque()
        """Fetched and not returned yet."""
        self._fetching = asyncio.Lock()

    async def read(self, max_bytes: int, wait: float) -> Sequence[Stored]:
        """The next entries; waits up to `wait` seconds for the first. Raises `LogUnavailable`."""
        await self._connection.run(self._look_ahead(max_bytes, wait))
        # Not before: were this task cancelled meanwhile, what is handed out would be lost.
        return self._hand_out(max_bytes)

    async def commit(self, positions: Mapping[int, int]) -> None:
        """Remember, per partition, the offset of the last entry that is done with."""
        check_named(self._name, self._stream)
        done, returned, frontier = dict(positions), dict(self._returned), self._frontier

        async def commit() -> None:
            start = await self._started()
            await self._bucket.move(
                self._stream,
                self._name,
                lambda known: (known or start).advanced(done, returned, frontier),
            )

        await self._connection.run(commit())

    async def lag(self) -> Lag:
        """Entries not committed (without a name: not read), and the oldest's age in seconds.

        Exact up to some thousand messages; beyond that the number of entries is estimated.
        """
        return await self._connection.run(self._lag())

    async def _look_ahead(self, max_bytes: int, wait: float) -> None:
        """Fetch until there is something to hand out, or for `wait` seconds."""
        loop = self._connection.loop
        deadline = loop.time() + wait
        async with self._fetching:  # a cancelled read may still be ending
            start = await self._started()
            while not self._ahead:
                left = max(0.0, deadline - loop.time())
                messages = await self._cursor.fetch(max_bytes, left)
                for message in messages:
                    await self._take_in(message, start)
                if not messages and left <= 0:
                    return

    async def _take_in(self, message: Message, start: Position) -> None:
        entries: Sequence[Stored] = ()
        old = AT in message.headers and message.at < self._at_least
        if not old and quoted(self._name) not in passed_by(message.headers):
            try:
                body = await whole(self._connection, self._stream, message)
                entries = unpack(message.headers[ENTRIES], body, message.sequence, message.at)
            except (KeyError, ValueError) as error:
                name = self._connection.server.stream(self._stream)
                logger.error("message %d of %s is left out: %s", message.sequence, name, error)
        self._cursor.next = message.sequence + 1
        self._ahead.extend(e for e in entries if e.offset > start.of(e.partition))
        if not self._ahead:
            self._frontier = before(self._cursor.next)

    def _hand_out(self, max_bytes: int) -> list[Stored]:
        found: list[Stored] = []
        size = 0
        while self._ahead and (not found or size + len(self._ahead[0].value) <= max_bytes):
            entry = self._ahead.popleft()
            found.append(entry)
            size += len(entry.value)
            self._returned[entry.partition] = entry.offset
        if found:
            last = found[-1].offset
            following = sequence_of(self._ahead[0].offset) if self._ahead else self._cursor.next
            self._frontier = before(following) if following > sequence_of(last) else last
        return found

    async def _started(self) -> Position:
        """Where this object starts; a new name is entered in the bucket."""
        if self._start is None:
            await self._ready()
            known = None
            if self._name:
                known = await self._bucket.position(self._stream, self._name)
            if known is None:
                first = await first_since(self._connection, self._stream, self._since)
                fresh = Position(before(first))
                known = fresh
                if self._name:
                    known = await self._bucket.move(
                        self._stream, self._name, lambda it: it or fresh
                    )
                self._at_least = self._since
            self._start = known
            self._cursor.next = max(1, sequence_of(known.lowest))
        return self._start

    async def _lag(self) -> Lag:
        position = await self._started()
        if not self._name:
            position = Position(max(position.floor, self._frontier))
        else:
            position = await self._bucket.position(self._stream, self._name) or position
        jetstream, stream = self._connection.jetstream, self._connection.server.stream(self._stream)
        info = await self._connection.persist(lambda: jetstream.stream_info(stream))
        if position.lowest >= before(info.state.last_seq + 1):
            return Lag(0, 0.0)
        messages = await self._connection.persist(lambda: self._headers_after(position))
        return self._behind(position, messages)

    async def _headers_after(self, position: Position) -> list[Message]:
        sequence = max(1, sequence_of(position.lowest))
        pull = await Pull.open(self._connection, self._stream, sequence, headers_only=True)
        messages = await pull.available(COUNTED)
        await pull.close()
        return messages

    def _behind(self, position: Position, messages: Sequence[Message]) -> Lag:
        entries, oldest = 0, 0
        for message in messages:
            try:
                left = position.left_in(message.headers[ENTRIES], message.sequence)
                if quoted(self._name) in passed_by(message.headers):
                    left = 0
            except (KeyError, ValueError):  # none of ours: `read` leaves it out, and says so
                left = 0
            entries += left
            oldest = oldest or (message.at if left else 0)
        if not entries:
            return Lag(0, 0.0)
        entries += round(messages[-1].behind * entries / len(messages))
        return Lag(entries, max(0.0, (self._clock.now_ms() - oldest) / 1000))
