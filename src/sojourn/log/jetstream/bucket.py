"""The small facts of a JetStream log: how many partitions a stream has, where each reader is.

They are in a key-value bucket, so `nats kv` shows them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from nats.js.api import RawStreamMsg, StorageType
from nats.js.errors import (
    BucketNotFoundError,
    KeyWrongLastSequenceError,
    NotFoundError,
)
from nats.js.kv import KeyValue

from sojourn.log.jetstream.connection import Connection
from sojourn.log.jetstream.position import Position

T = TypeVar("T")

_SHOW_UP_MS = 24 * 60 * 60 * 1000
_UNUSABLE = re.compile(r"[^A-Za-z0-9_-]")


class Bucket:
    """The facts of one log. Everything in here runs in the connection's loop."""

    def __init__(self, connection: Connection, entries: KeyValue) -> None:
        self._connection = connection
        self._entries = entries
        self._stream = f"KV_{connection.server.name}"
        self._prefix = f"$KV.{connection.server.name}."

    @classmethod
    async def open(cls, connection: Connection) -> Bucket:
        """Open the bucket, or make it."""
        jetstream, server = connection.jetstream, connection.server

        async def there() -> KeyValue:
            try:
                return await jetstream.key_value(server.name)
            except BucketNotFoundError:
                return await jetstream.create_key_value(
                    bucket=server.name,
                    description="Sojourn: partitions and positions of readers",
                    history=1,
                    storage=StorageType.FILE,
                    replicas=server.replicas,
                    # A copy that lags behind must not answer for a position.
                    direct=False,
                )

        return cls(connection, await connection.persist(there))

    async def declare(self, stream: str, number: int) -> int:
        """The number of partitions of `stream`: `number`, or more if it has more already."""
        stored = await self.change(
            f"streams.{stream}",
            lambda value: json.dumps(max(number, json.loads(value or b"0"))).encode(),
        )
        return int(json.loads(stored))

    async def streams(self) -> list[str]:
        """The names of all streams."""
        return sorted(subject.rpartition(".")[2] for subject in await self._subjects("streams"))

    async def position(self, stream: str, reader: str) -> Position | None:
        """Where a reader is; None if it is not known.

        Asking shows that the reader is still there: see `Retention.forget_reader_ms`.
        """
        stored = await self._get(_key(stream, reader))
        if stored is None or not stored.data:
            return None
        position = Position.unpack(stored.data)
        if time.time() * 1000 - _seen_at(stored) > _SHOW_UP_MS:
            position = await self.move(stream, reader, lambda known: known or position)
        return position

    async def move(
        self, stream: str, reader: str, change: Callable[[Position | None], Position]
    ) -> Position:
        """Change where a reader is, in one step; the position that it has then."""
        stored = await self.change(
            _key(stream, reader),
            lambda value: change(None if value is None else Position.unpack(value)).pack(),
        )
        return Position.unpack(stored)

    async def positions(self, stream: str) -> dict[str, tuple[Position, int]]:
        """Where each reader of `stream` is, and when it was there last (ms since the epoch).

        Their names are as in the bucket, see `quoted`.
        """
        found: dict[str, tuple[Position, int]] = {}
        for subject in await self._subjects(f"readers.{stream}"):
            key = subject.removeprefix(self._prefix)
            stored = await self._get(key)
            if stored is not None and stored.data:
                name = key.rpartition(".")[2]
                found[name] = (Position.unpack(stored.data), _seen_at(stored))
        return found

    async def _subjects(self, under: str) -> list[str]:
        jetstream = self._connection.jetstream
        keys = f"{self._prefix}{under}.>"
        info = await self._connection.persist(lambda: jetstream.stream_info(self._stream, keys))
        return list(info.state.subjects or {})

    async def change(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        """Read, change and write; again if somebody else wrote in between."""

        async def once() -> bytes | None:
            stored = await self._get(key)
            changed = change((stored.data or None) if stored else None)
            revision = (stored.seq or 0) if stored else 0
            try:
                await self._entries.update(key, changed, last=revision)
            except KeyWrongLastSequenceError:
                return None
            return changed

        while True:
            written = await self._connection.persist(once)
            if written is not None:
                return written

    async def _get(self, key: str) -> RawStreamMsg | None:
        """What is stored; its `data` is empty where an operator deleted the key."""
        jetstream = self._connection.jetstream

        async def get() -> RawStreamMsg | None:
            try:
                return await jetstream.get_msg(self._stream, subject=self._prefix + key)
            except NotFoundError:
                return None

        return await self._connection.persist(get)


def _seen_at(stored: RawStreamMsg) -> int:
    return int((stored.time or datetime.now(UTC)).timestamp() * 1000)


def quoted(reader: str) -> str:
    """A reader's name as part of a key: what a key may not hold stands as `=` and hex digits."""
    return _UNUSABLE.sub(
        lambda it: "".join(f"={byte:02x}" for byte in it[0].encode("utf-8", "replace")), reader
    )


def _key(stream: str, reader: str) -> str:
    return f"readers.{stream}.{quoted(reader)}"
