"""Goes through the messages of a stream, whatever happens to the connection."""

from __future__ import annotations

import asyncio
from functools import partial

import nats.errors
from nats.js.errors import NotFoundError

from sojourn.core.errors import LogUnavailable
from sojourn.log.jetstream.connection import Connection, Interrupted
from sojourn.log.jetstream.pull import Message, Pull
from sojourn.log.jetstream.wire import parts_of

_MOST_MESSAGES = 500
_MOST_BYTES = 8 * 2**20
"""Fetched at once, whatever was asked for."""
_BROKEN = (Interrupted, asyncio.TimeoutError, OSError, nats.errors.Error)


class Cursor:
    """Fetches messages from the sequence `next` on; whoever has dealt with one moves `next`."""

    def __init__(
        self,
        connection: Connection,
        stream: str,
        sequence: int,
        kind: str = "entries",
        headers_only: bool = False,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._kind = kind
        self._headers_only = headers_only
        self.next = sequence
        self._pull: Pull | None = None
        self._following = 0
        """What `next` must be for the pull to go on there."""

    async def fetch(self, max_bytes: int, wait: float) -> list[Message]:
        """About `max_bytes` of messages; none after `wait` seconds, or sooner.

        Raises `LogUnavailable` when the server stays away.
        """
        largest = self._connection.client.max_payload + 4096
        room = max(largest, min(max_bytes, _MOST_BYTES))
        give_up = self._connection.loop.time() + wait + self._connection.deadline_s
        while True:
            pull = await self._pulling(give_up)
            self._pull = None  # if this is interrupted, what it was about to say is lost
            try:
                found = await pull.available(_MOST_MESSAGES, room)
                if not found and wait > 0:
                    found = await pull.next(wait)
            except _BROKEN as error:
                if self._connection.loop.time() > give_up:
                    raise LogUnavailable(f"{self._connection.server.url}: {error}") from error
                continue
            self._pull = pull
            self._following = found[-1].sequence + 1 if found else self.next
            return found

    async def _pulling(self, give_up: float) -> Pull:
        if self._pull is not None and not self._pull.old and self.next == self._following:
            return self._pull
        return await self._connection.persist(
            lambda: Pull.open(
                self._connection, self._stream, self.next, kind=self._kind,
                headers_only=self._headers_only,
            ),
            give_up,
        )  # fmt: skip


async def whole(connection: Connection, stream: str, message: Message) -> bytes:
    """The body of a message, with what lies in its parts.

    Raises `ValueError` for a part that is gone, `LogUnavailable` when the server stays away.
    """
    name = connection.server.stream(stream)

    async def part(sequence: int) -> bytes:
        try:
            return (await connection.jetstream.get_msg(name, sequence)).data or b""
        except NotFoundError:
            raise ValueError(f"retention removed its part {sequence}") from None

    bodies = [
        await connection.persist(partial(part, sequence)) for sequence in parts_of(message.headers)
    ]
    return b"".join((*bodies, message.body))
