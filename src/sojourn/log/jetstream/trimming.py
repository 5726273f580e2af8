"""Retention of a JetStream log: messages are purged once every reader has them.

The server's own limits know nothing of readers, so they stay off; only `Retention.hard_bytes`
becomes one of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

import nats.errors

from sojourn.core.errors import SojournError
from sojourn.core.ports import Clock
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.connection import Connection, Interrupted
from sojourn.log.jetstream.pull import Pull, first_since
from sojourn.log.jetstream.wire import sequence_of
from sojourn.log.retention import Retention

_PART_AGE_MS = 60_000
"""A message and its parts are written within the deadline of an append, so within a minute."""
_STEP = 20
"""Above the size limit a twentieth of a stream goes at a time."""

logger = logging.getLogger("sojourn.log")


class Trimmer:
    """Purges what may go; see `Retention` for the policy. Runs in the connection's loop."""

    def __init__(
        self,
        connection: Connection,
        bucket: Bucket,
        retention: Retention,
        clock: Clock,
        streams: Callable[[], Iterable[str]],
        part_age_ms: int = _PART_AGE_MS,
    ) -> None:
        self._connection = connection
        self._bucket = bucket
        self._retention = retention
        self._clock = clock
        self._streams = streams
        self._part_age_ms = part_age_ms
        self._held_back = False

    async def run(self, first_after: float = 1.0, every: float = 60.0) -> None:
        """Trim now and then, until cancelled. Losing a round is no harm."""
        pause = first_after
        while True:
            await asyncio.sleep(pause)
            pause = every
            try:
                while await self.step():
                    pass
            except (SojournError, nats.errors.Error, OSError, TimeoutError, Interrupted) as error:
                logger.info("retention waits for the next round: %s", error)

    async def step(self) -> bool:
        """Purge once; true if the log is still too large and more can go."""
        jetstream, server = self._connection.jetstream, self._connection.server
        states = {}
        for stream in self._streams():
            info = await jetstream.stream_info(server.stream(stream))
            states[stream] = info.state
        size = sum(state.bytes for state in states.values())
        crowded = 0 < self._retention.max_bytes < size
        more = False
        for stream, state in states.items():
            # The newest message stays: a stream that was never empty shows its last time.
            limit = min(state.last_seq, await self._read_by_all(stream, state.last_seq))
            if crowded:
                there = state.last_seq - state.first_seq
                limit = min(limit, state.first_seq + max(1, there // _STEP))
            else:
                limit = min(limit, await self._outlived(stream))
            if limit > state.first_seq and self._part_age_ms:
                limit = await self._with_parts(stream, limit)
            if limit > state.first_seq:
                await jetstream.purge_stream(server.stream(stream), seq=limit)
                more |= crowded
        self._tell(crowded and not more, size)
        return more

    def _tell(self, held_back: bool, size: int) -> None:
        if held_back and not self._held_back:
            logger.warning(
                "the log takes %d bytes, more than its budget of %d, since not everything is read",
                size, self._retention.max_bytes,
            )  # fmt: skip
        self._held_back = held_back

    async def _read_by_all(self, stream: str, last: int) -> int:
        """The first sequence that a known reader may have to read."""
        forget = self._retention.forget_reader_ms
        alive_since = self._clock.now_ms() - forget if forget else 0
        positions = await self._bucket.positions(stream)
        return min(
            (
                sequence_of(at.lowest)
                for at, seen_at in positions.values()
                if seen_at >= alive_since
            ),
            default=last,
        )

    async def _outlived(self, stream: str) -> int:
        """The first sequence that is younger than the stream's age; 0 if none may grow old."""
        age = self._retention.age_ms(stream)
        return await self._first_since(stream, self._clock.now_ms() - age) if age else 0

    async def _with_parts(self, stream: str, limit: int) -> int:
        """`limit`, so far back that no message at or after it has a part before it."""
        pull = await Pull.open(self._connection, stream, limit, headers_only=True)
        found = await pull.available(1)
        await pull.close()
        at = found[0].taken if found else self._clock.now_ms()
        return min(limit, await self._first_since(stream, at - self._part_age_ms))

    async def _first_since(self, stream: str, ms: int) -> int:
        # Parts count as well: the server looks for the first message of the kind that is asked for.
        return await first_since(self._connection, stream, ms, kind=">")
