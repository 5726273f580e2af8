"""Takes values out of a JetStream log.

A message cannot be changed where it lies. What is to stay of it is appended as a new message, and
the old one is deleted securely: the server overwrites its bytes. So the values that stay have new
offsets. The new message names the readers that were done with the old one, and they leave it out;
it carries the time of the old one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from nats.js.errors import APIError

from sojourn.core.erasure import is_erased
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.connection import Connection
from sojourn.log.jetstream.cursor import Cursor, whole
from sojourn.log.jetstream.position import Position
from sojourn.log.jetstream.publisher import Publisher
from sojourn.log.jetstream.pull import Message
from sojourn.log.jetstream.wire import AT, ENTRIES, PASSED, parts_of, passed_by, unpack

Change = Callable[[bytes], bytes | None]
_STEP_BYTES = 4 << 20
_BROKEN_OFF_MS = 60_000
"""Parts so old without a last message will never get one."""
_NO_MESSAGE = 10057
"""The server's number for: there is no such message."""

logger = logging.getLogger("sojourn.log")


class Rewriter:
    """Rewrites one stream, once. Its methods run in the connection's loop."""

    def __init__(
        self, connection: Connection, bucket: Bucket, publisher: Publisher, stream: str
    ) -> None:
        self._connection = connection
        self._bucket = bucket
        self._publisher = publisher
        self._stream = stream
        self._name = connection.server.stream(stream)
        self._cursor = Cursor(connection, stream, 1)
        self._end = 0
        self._readers: dict[str, Position] = {}
        self._used: set[int] = set()
        """Sequences of the parts of messages that stay."""
        self.changed = 0
        """Values that were replaced so far."""

    async def begin(self) -> None:
        """Note where the stream ends and where its readers are."""
        jetstream = self._connection.jetstream
        info = await self._connection.persist(lambda: jetstream.stream_info(self._name))
        self._end = info.state.last_seq
        self._readers = {
            name: position
            for name, (position, _) in (await self._bucket.positions(self._stream)).items()
        }

    async def step(self, change: Change) -> int | None:
        """Rewrite some messages; the bytes looked at, None at the end."""
        found: list[Message] = []
        if self._cursor.next <= self._end:
            found = await self._cursor.fetch(_STEP_BYTES, 0)
        size = 0
        for message in found:
            if message.sequence <= self._end:
                size += await self._rewrite(message, change)
            self._cursor.next = message.sequence + 1
        return size if found else None

    async def finish(self) -> None:
        """Delete parts of appends that broke off: nobody sees them, so nobody looked at them."""
        cursor = Cursor(self._connection, self._stream, 1, kind="part", headers_only=True)
        old = int(time.time() * 1000) - _BROKEN_OFF_MS
        while cursor.next <= self._end and (found := await cursor.fetch(_STEP_BYTES, 0)):
            for part in found:
                cursor.next = part.sequence + 1
                if part.sequence not in self._used and part.at < old:
                    await self._delete(part.sequence)

    async def _rewrite(self, message: Message, change: Change) -> int:
        parts = parts_of(message.headers)
        try:
            body = await whole(self._connection, self._stream, message)
            entries = unpack(message.headers[ENTRIES], body, message.sequence, message.at)
        except (KeyError, ValueError) as error:
            # Nobody can read it, so nobody can say whose it is: then it must not stay.
            logger.warning("message %d of %s is deleted: %s", message.sequence, self._name, error)
            await self._delete(message.sequence, *parts)
            return len(message.body)
        changed = await asyncio.to_thread(lambda: [change(entry.value) for entry in entries])
        if all(value is None for value in changed):
            self._used.update(parts)
            return len(body)
        left: dict[int, list[bytes]] = {}
        for entry, value in zip(entries, changed, strict=True):
            self.changed += value is not None
            kept = entry.value if value is None else value
            if not is_erased(kept) or value is None:
                left.setdefault(entry.partition, []).append(kept)
        if left:
            await self._publisher.write(left, self._headers(message))
        await self._delete(message.sequence, *parts)
        return len(body)

    def _headers(self, message: Message) -> dict[str, str]:
        """When the old message came, and which readers were done with it."""
        passed = passed_by(message.headers) | {
            name
            for name, position in self._readers.items()
            if not position.left_in(message.headers[ENTRIES], message.sequence)
        }
        return {AT: str(message.at), PASSED: " ".join(sorted(passed))}

    async def _delete(self, *sequences: int) -> None:
        jetstream = self._connection.jetstream

        async def delete(sequence: int) -> None:
            try:
                await jetstream.delete_msg(self._name, sequence)
            except APIError as error:
                if error.err_code != _NO_MESSAGE:  # a try before this one has deleted it
                    raise

        for sequence in sequences:
            await self._connection.persist(partial(delete, sequence))
