"""The log on a NATS server with JetStream: where one machine's disk is not enough."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence

from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.core.ports import Clock, Entry
from sojourn.log.clock import WallClock
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.connection import Connection
from sojourn.log.jetstream.holder import Claimant, Holder
from sojourn.log.jetstream.publisher import Append, Publisher
from sojourn.log.jetstream.reader import NatsReader
from sojourn.log.jetstream.rewriting import Rewriter
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.jetstream.trimming import Trimmer
from sojourn.log.partitions import check_stream, checked, split
from sojourn.log.retention import Retention

_LEAST_PAYLOAD = 64 * 1024
_SYNCS_SINCE = (2, 10)
"""The first version of the server that knows `sync_interval`."""

logger = logging.getLogger("sojourn.log")


class NatsLog:
    """An `EventLog` on a NATS server; see `sojourn.core.ports.EventLog` for the promises.

    Each log stream is one JetStream stream, and what was appended together is one message in it,
    whichever partitions it goes to: so an append is there as a whole or not at all. Partitions
    are numbers in the message; they give the order per key, and every reader reads all of them.
    Any number of processes may append and read. `appended_at` is the server's time.

    An append waits up to `deadline_s` seconds for a server that is away.
    """

    def __init__(
        self,
        server: NatsServer,
        partitions: Mapping[str, int] | None = None,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        clock: Clock | None = None,
        deadline_s: float = 10.0,
        holder: Claimant | None = None,
    ) -> None:
        """Connect, and make what is missing. Raises `InvalidSettings` or `LogUnavailable`.

        `holder` is who processes the log, which only one may do at a time; None for a log that
        is only written to or looked at.
        """
        wanted = checked(partitions)
        self.server = server
        self._retention = retention
        self._clock: Clock = clock or WallClock()
        self._partitions: dict[str, int] = {}
        self._publishers: dict[str, Publisher] = {}
        self._claimant = holder
        self._holder: Holder | None = None
        self._upkeep: list[asyncio.Task[None]] = []
        self._closed = False
        self._connection = Connection(server, deadline_s)
        try:
            self._connection.run_blocking(self._open(wanted))
        except BaseException:
            self._connection.close_blocking()
            raise

    @property
    def description(self) -> str:
        """Where the log is, for people."""
        return f"{self._connection.server.url} (nats-server {self._version})"

    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        """Append all or none; returns once they are on disk. Raises `LogUnavailable`."""
        if not entries:
            return
        if self._closed:
            raise LogUnavailable("the log is closed")
        if stream not in self._publishers:
            await self._connection.run(self._declare(stream, 1))
            if self._closed:
                raise LogUnavailable("the log is closed")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        deadline = self._connection.loop.time() + self._connection.deadline_s
        append = Append(split(entries, self._partitions[stream]), future, deadline)
        self._connection.loop.call_soon_threadsafe(self._publishers[stream].submit, append)
        await future

    def reader(self, stream: str, name: str, since: int = 0) -> NatsReader:
        """The reader `name` of `stream`; `since` (ms) is where a new name starts."""
        check_stream(stream)

        async def ready() -> None:
            if stream not in self._publishers:
                await self._declare(stream, 1)

        return NatsReader(self._connection, self._bucket, self._clock, stream, name, since, ready)

    async def streams(self) -> Sequence[str]:
        """The names of all streams."""
        return await self._connection.run(self._bucket.streams())

    async def rewrite(
        self, stream: str, change: Callable[[bytes], bytes | None], progress: Callable[[int], None]
    ) -> int:
        """Replace stored values; see `sojourn.core.ports.Erasable`.

        Values that share a message with a replaced one get new offsets, at the end of the stream.
        A reader that was done with them is not given them again.
        """
        await self._connection.run(self._declare(stream, 1))
        rewriter = Rewriter(self._connection, self._bucket, self._publishers[stream], stream)
        await self._connection.run(rewriter.begin())
        while (size := await self._connection.run(rewriter.step(change))) is not None:
            progress(size)
        await self._connection.run(rewriter.finish())
        return rewriter.changed

    async def scrub(self) -> None:
        """Nothing to do: the server overwrites what `rewrite` deletes."""

    async def close(self) -> None:
        """Write what was accepted, then disconnect. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self._connection.run(self._finish())
        await self._connection.close()

    async def _open(self, partitions: Mapping[str, int]) -> None:
        client, server = self._connection.client, self._connection.server
        self._version = str(client.connected_server_version).split()[-1].rstrip(">").lstrip("v")
        if client.max_payload < _LEAST_PAYLOAD:
            raise InvalidSettings(
                f"{server.url} takes messages of {client.max_payload} bytes; set max_payload in "
                f"its configuration to at least {_LEAST_PAYLOAD} (1MB is its default)"
            )
        self._warn_of_late_syncs()
        self._bucket = await Bucket.open(self._connection)
        if self._claimant is not None:
            holder = Holder(self._bucket, server, self._claimant)
            await holder.claim()
            self._holder = holder
            self._upkeep.append(asyncio.create_task(holder.run()))
        for stream, number in partitions.items():
            await self._declare(stream, number)
        trimmer = Trimmer(
            self._connection, self._bucket, self._retention, self._clock, lambda: self._publishers
        )
        self._upkeep.append(asyncio.create_task(trimmer.run()))

    def _warn_of_late_syncs(self) -> None:
        """A server that can only sync every two minutes loses those on a power cut."""
        version = self._connection.client.connected_server_version
        if (version.major, version.minor) < _SYNCS_SINCE and self._connection.server.replicas < 3:
            logger.warning(
                "nats-server %s writes to disk every two minutes: what was accepted outlives the "
                "server, but not a power cut. Take 2.10 or later with `sync_interval: always`, or "
                "three replicas",
                self._version,
            )

    async def _declare(self, stream: str, number: int) -> None:
        """Make `stream` if it is not there, with `number` partitions or more."""
        check_stream(stream)
        jetstream, server = self._connection.jetstream, self._connection.server

        async def make() -> None:
            try:
                info = await jetstream.stream_info(server.stream(stream))
            except NotFoundError:
                info = await jetstream.add_stream(self._config(stream))
            _check(server.stream(stream), info.config)

        await self._connection.persist(make)
        self._partitions[stream] = await self._bucket.declare(stream, number)
        self._publishers.setdefault(stream, Publisher(self._connection, stream))

    def _config(self, stream: str) -> StreamConfig:
        server = self._connection.server
        return StreamConfig(
            name=server.stream(stream),
            description=f"Sojourn: the log stream {stream}",
            subjects=[server.subject(stream, ">")],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            max_bytes=self._retention.hard_bytes or -1,
            num_replicas=server.replicas,
            duplicate_window=120,
        )

    async def _finish(self) -> None:
        for task in self._upkeep:
            task.cancel()
        await asyncio.gather(*self._upkeep, return_exceptions=True)
        for publisher in self._publishers.values():
            await publisher.finish()
        if self._holder is not None and self._connection.client.is_connected:
            with contextlib.suppress(LogUnavailable):
                await self._holder.release()


def _check(name: str, config: StreamConfig) -> None:
    """What is there already must keep things on disk, and must keep them."""
    if config.storage != StorageType.FILE:
        raise InvalidSettings(
            f"the JetStream stream {name} is kept in {config.storage}; it must be kept in files"
        )
    if config.retention != RetentionPolicy.LIMITS:
        raise InvalidSettings(
            f"the JetStream stream {name} has the retention '{config.retention}'; it must be limits"
        )
    if config.max_age or (config.max_msgs or 0) > 0 or (config.max_bytes or 0) > 0:
        logger.warning(
            "the JetStream stream %s has limits of its own: what is over them goes unread", name
        )
