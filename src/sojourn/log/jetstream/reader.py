"""A reader of a JetStream log, with a durable position per partition."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import nats.errors
from nats.js.errors import NotFoundError

from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Clock, Lag, Stored
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.connection import Connection, Interrupted
from sojourn.log.jetstream.position import Position
from sojourn.log.jetstream.pull import Message, Pull, first_since
from sojourn.log.jetstream.wire import ENTRIES, PARTS, before, sequence_of, unpack
from sojourn.log.partitions import check_named

_MOST_MESSAGES = 500
_MOST_BYTES = 8 * 2**20
"""Fetched at once, whatever was asked for."""
COUNTED = 2_000
"""A lag of more messages is estimated from so many."""

_BROKEN = (Interrupted, asyncio.TimeoutError, OSError, nats.errors.Error)

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
        self._next = 0
        """The sequence of the next message to fetch."""
        self._ahead: deque[Stored] = deque()
        """Fetched and not returned yet."""
        self._pull: Pull | None = None
        """None while an interruption would make it skip something."""
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
            await self._started()
            while not self._ahead:
                left = max(0.0, deadline - loop.time())
                messages = await self._fetch(max_bytes, left)
                if not messages and left <= 0:
                    return
                pull, self._pull = self._pull, None
                for message in messages:
                    await self._take_in(message)
                self._pull = pull

    async def _fetch(self, max_bytes: int, wait: float) -> list[Message]:
        """The next messages; none after `wait` seconds, or sooner."""
        largest = self._connection.client.max_payload + 4096
        room = max(largest, min(max_bytes, _MOST_BYTES))
        give_up = self._connection.loop.time() + wait + self._connection.deadline_s
        while True:
            pull = await self._pulling(give_up)
            self._pull = None
            try:
                found = await pull.available(_MOST_MESSAGES, room)
                if not found and wait > 0:
                    found = await pull.next(wait)
            except _BROKEN as error:
                # What it was about to say is lost: another one starts at the same message.
                if self._connection.loop.time() > give_up:
                    raise LogUnavailable(f"{self._connection.server.url}: {error}") from error
                continue
            self._pull = pull
            return found

    async def _pulling(self, give_up: float) -> Pull:
        if self._pull is not None and not self._pull.old:
            return self._pull
        return await self._connection.persist(
            lambda: Pull.open(self._connection, self._stream, sequence=self._next), give_up
        )

    async def _take_in(self, message: Message) -> None:
        assert self._start is not None
        try:
            body = await self._whole(message)
            entries = unpack(message.headers[ENTRIES], body, message.sequence, message.at)
        except (KeyError, ValueError) as error:
            logger.error(
                "message %d of %s is left out: %s",
                message.sequence, self._connection.server.stream(self._stream), error,
            )  # fmt: skip
            entries = []
        self._next = message.sequence + 1
        self._ahead.extend(e for e in entries if e.offset > self._start.of(e.partition))
        if not self._ahead:
            self._frontier = before(self._next)

    async def _whole(self, message: Message) -> bytes:
        """The message's body with what lies in its parts."""
        parts = message.headers.get(PARTS, "")
        bodies = [await self._part(int(part)) for part in parts.split(",") if part]
        return b"".join((*bodies, message.body))

    async def _part(self, sequence: int) -> bytes:
        jetstream, stream = self._connection.jetstream, self._connection.server.stream(self._stream)

        async def get() -> bytes:
            try:
                return (await jetstream.get_msg(stream, sequence)).data or b""
            except NotFoundError:
                raise ValueError(f"retention removed its part {sequence}") from None

        return await self._connection.persist(get)

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
            following = sequence_of(self._ahead[0].offset) if self._ahead else self._next
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
            self._start = known
            self._next = max(1, sequence_of(known.lowest))
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
            except (KeyError, ValueError):  # none of ours: `read` leaves it out, and says so
                left = 0
            entries += left
            oldest = oldest or (message.at if left else 0)
        if not entries:
            return Lag(0, 0.0)
        entries += round(messages[-1].behind * entries / len(messages))
        return Lag(entries, max(0.0, (self._clock.now_ms() - oldest) / 1000))
