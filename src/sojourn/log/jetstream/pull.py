"""Messages of a stream in order, from a sequence or a time on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, Header

from sojourn.log.jetstream.connection import Connection, Interrupted
from sojourn.log.jetstream.wire import AT

_PATIENCE_S = 5.0
"""A server that says nothing for so long has forgotten the consumer."""
_LONGEST_WAIT_S = 5.0
_FORGOTTEN_S = 60.0
_OLD_S = 30.0


class Message(NamedTuple):
    """One message of a stream."""

    sequence: int
    at: int
    """When its entries were appended, milliseconds since the Unix epoch."""
    taken: int
    """When the server took it: later, where it has the place of another one."""
    behind: int
    """How many messages follow it, as far as is known."""
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Pull:
    """A consumer on the server that lives for a minute after its last use, and in memory only.

    Every method raises `Interrupted` where an answer is missing; then open another one.
    """

    connection: Connection
    stream: str
    name: str
    first: int
    """The sequence that it starts at: of the first message there is, or would be."""
    used_at: float
    losses: int
    _delivered: int = 0

    @classmethod
    async def open(
        cls,
        connection: Connection,
        stream: str,
        sequence: int = 0,
        since: int = 0,
        kind: str = "entries",
        headers_only: bool = False,
    ) -> Pull:
        """From `sequence` on, or else from `since` (ms since the epoch) on.

        `kind` is that of the subject: `entries`, `part`, or `>` for both.
        """
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            inactive_threshold=_FORGOTTEN_S,
            filter_subject=connection.server.subject(stream, kind),
            headers_only=headers_only or None,
        )
        if sequence > 0:
            config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = sequence
        elif since > 0:
            config.deliver_policy = DeliverPolicy.BY_START_TIME
            config.opt_start_time = _time(since)
        name = connection.server.stream(stream)
        info = await connection.jetstream.add_consumer(name, config)
        first = info.delivered.stream_seq + 1 if info.delivered else 1
        return cls(connection, name, info.name, first, connection.loop.time(), connection.losses)

    @property
    def old(self) -> bool:
        """The server may have forgotten it: the connection broke, or it was not used for long."""
        idle = self.connection.loop.time() - self.used_at
        return self.losses != self.connection.losses or idle > _OLD_S

    async def available(self, most: int, max_bytes: int = 0) -> list[Message]:
        """What there is, at once: at most so many messages and about so many bytes.

        `max_bytes` must be larger than any message; 0 is no limit.
        """
        limit = {"max_bytes": max_bytes} if max_bytes else {}
        return await self._ask({"batch": most, "no_wait": True, **limit}, 0)

    async def next(self, wait: float) -> list[Message]:
        """The next message, once it is there; none after `wait` seconds, or five."""
        wait = min(wait, _LONGEST_WAIT_S)
        return await self._ask({"batch": 1, "expires": max(1, int(wait * 1e9))}, wait)

    async def close(self) -> None:
        """Tell the server that it can forget the consumer."""
        await self.connection.jetstream.delete_consumer(self.stream, self.name)

    async def _ask(self, request: dict[str, Any], wait: float) -> list[Message]:
        self.used_at = self.connection.loop.time()
        client = self.connection.client
        if not client.is_connected:
            raise Interrupted("the connection broke")
        answers = self.connection.queue()
        inbox = client.new_inbox()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.name}"
        subscription = await client.subscribe(inbox, cb=answers.put)
        found: list[Message] = []
        try:
            await client.publish(subject, json.dumps(request).encode(), reply=inbox)
            async with asyncio.timeout(wait + _PATIENCE_S):
                while len(found) < request["batch"]:
                    message = self._taken(await answers.get())
                    if message is None:
                        break
                    found.append(message)
        finally:
            self.used_at = self.connection.loop.time()
            if not client.is_closed:
                await subscription.unsubscribe()
        return found

    def _taken(self, answer: Msg | None) -> Message | None:
        """A message; None where the server says that there is no more."""
        if answer is None:
            raise Interrupted("the connection broke")
        headers = answer.headers or {}
        if Header.STATUS in headers:
            status, said = headers[Header.STATUS], headers.get(Header.DESCRIPTION, "")
            if status == "503" or "Deleted" in said:
                raise Interrupted("the server forgot the consumer")
            return None
        fields = answer.reply.split(".")
        at = 4 if len(fields) == 9 else 6
        sequence, delivered, time_ns, behind = map(int, fields[at + 1 : at + 5])
        self._delivered += 1
        if delivered != self._delivered:
            raise Interrupted("messages were lost on the way")
        taken = time_ns // 1_000_000
        appended = int(headers[AT]) if AT in headers else taken
        return Message(sequence, appended, taken, behind, headers, answer.data)


async def first_since(
    connection: Connection, stream: str, since: int, kind: str = "entries"
) -> int:
    """The sequence of the first message at or after `since` (ms); past the end if there is none.

    Of the kind `entries`, or `>` for any.
    """

    async def ask() -> int:
        pull = await Pull.open(connection, stream, since=since, kind=kind)
        await pull.close()
        return pull.first

    return await connection.persist(ask)


def _time(ms: int) -> datetime:
    seconds, rest = divmod(min(ms, _LAST_MS), 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


_LAST_MS = 9_000_000_000_000
"""The year 2255: the server counts in nanoseconds, in 63 bits."""
