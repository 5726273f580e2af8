"""The way of one event request: who, what, how much, into the log."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable

from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.errors import LogUnavailable
from sojourn.core.events import clean_id
from sojourn.core.ports import RAW, Clock, Entry, EventLog
from sojourn.core.source import Source
from sojourn.gateway import refusals
from sojourn.gateway.answers import Headers, Receive, Scope
from sojourn.gateway.body import BodyReader
from sojourn.gateway.credentials import key_in_header, query_parameters, request_ip
from sojourn.gateway.deadlines import Deadlines, Task, current_task
from sojourn.gateway.limits import LeakyBucket, Limits
from sojourn.gateway.payload import BATCHES, Payload, judge, wire_size
from sojourn.gateway.stats import Stats
from sojourn.gateway.suppression import Suppressed, batch_without

_TYPING_BYTES = 64
"""More than what RudderStack adds to an event before it measures it."""

Sources = Callable[[str], Source | None]
"""The source of a write key; asked at every request, so that changes take effect at once."""


class Ingest:
    """Takes event requests."""

    def __init__(
        self,
        sources: Sources,
        log: EventLog,
        clock: Clock,
        limits: Limits,
        suppressed: Suppressed | None,
        stats: Stats,
    ) -> None:
        self._sources = sources
        self._log = log
        self._clock = clock
        self._limits = limits
        self._suppressed = suppressed
        self._stats = stats
        self._deadlines = Deadlines()
        # Unique is enough; asking the system each time gives up the interpreter lock.
        self._random = random.Random(os.urandom(32))
        self._buckets: dict[str, LeakyBucket] = {}
        self.log_failed_at: int | None = None
        """When the log last failed, ms since the epoch; None after it worked."""

    async def take(
        self, endpoint: str, scope: Scope, headers: Headers, receive: Receive, beacon: bool
    ) -> None:
        """Store the request; returns once it is durable.

        Raises `Refused`, or `ClientGone` if there is nobody to answer to.
        """
        stats = self._stats
        if stats.active >= self._limits.concurrency:
            raise refusals.overloaded()
        stats.active += 1
        task = current_task()
        reader = BodyReader(receive, headers, self._limits, stats)
        try:
            source = self.source(_beacon_key(scope) if beacon else _header_key(headers))
            body = await self._read(reader, task)
            body, events, person = self._admit(source, endpoint, body)
            if events:
                kind = "batch" if endpoint in BATCHES else endpoint
                await self.store(source, kind, scope, headers, body, person, task)
            stats.requests += 1
            stats.events += events
            stats.body_bytes += len(body)
        finally:
            stats.active -= 1
            self._deadlines.clear(task)
            reader.release()

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """The body of another kind of request with a write key. Raises as `take` does."""
        task = current_task()
        reader = BodyReader(receive, headers, self._limits, self._stats)
        try:
            self.source(_header_key(headers))
            return await self._read(reader, task)
        finally:
            self._deadlines.clear(task)
            reader.release()

    def source(self, write_key: str) -> Source:
        """The enabled source of `write_key`. Raises `Refused`."""
        source = self._sources(write_key)
        if source is None:
            raise refusals.unknown_key()
        if not source.enabled:
            raise refusals.source_disabled()
        return source

    async def store(
        self,
        source: Source,
        kind: str,
        scope: Scope,
        headers: Headers,
        body: bytes,
        person: str,
        task: Task,
    ) -> None:
        """Append one request to the raw stream; returns once it is durable.

        `kind` is `batch` or the type of its one event; `task` is the one that runs this.
        Raises `Refused`.
        """
        anonymous = headers.get(b"anonymousid")
        key = f"{source.id}:{anonymous.decode('latin-1') if anonymous else person}"
        now = self._clock.now_ms()
        batch_id = f"{self._random.getrandbits(128):032x}"
        meta = RequestMeta(source.id, now, request_ip(scope, headers), kind, batch_id)
        self._deadlines.set(task, self._limits.commit_seconds)
        try:
            await self._log.append(RAW, (Entry(key, pack_request(meta, body)),))
        except LogUnavailable as error:
            self.log_failed_at = now
            raise refusals.log_failed() from error
        except asyncio.CancelledError:
            if not self._deadlines.was_late(task):
                raise
            self.log_failed_at = now
            raise refusals.log_timed_out() from None
        finally:
            self._deadlines.clear(task)
        self.log_failed_at = None

    async def _read(self, reader: BodyReader, task: Task) -> bytes:
        self._deadlines.set(task, self._limits.upload_seconds)
        try:
            return await reader.read()
        except asyncio.CancelledError:
            if not self._deadlines.was_late(task):
                raise
            raise refusals.slow_body() from None

    def _admit(self, source: Source, endpoint: str, body: bytes) -> tuple[bytes, int, str]:
        """Judge a body: what to store of it, how many events, the first one's id.

        The order is that of RudderStack's gateway. Raises `Refused`.
        """
        payload = judge(endpoint, body, self._limits.depth)
        events = len(payload.ids)
        self._spend(source.id, events)
        most = self._limits.request_bytes
        if self._suppressed and events:  # false, too, where nobody is suppressed
            body, left = self._filter(self._suppressed, source, endpoint, body, payload)
            self._stats.suppressed += events - left
            if not left:
                return body, 0, payload.person
            events = left
        if len(body) + _TYPING_BYTES > most and (
            wire_size(endpoint, body, self._limits.depth) > most
        ):
            raise refusals.too_large()
        if not events and endpoint != "import":
            raise refusals.empty_batch()
        return body, events, payload.person

    def _filter(
        self,
        suppressed: Suppressed,
        source: Source,
        endpoint: str,
        body: bytes,
        payload: Payload,
    ) -> tuple[bytes, int]:
        """The body without suppressed events, and how many events are left."""
        users = [clean_id(user_id) for _, user_id in payload.ids]
        keep = [not (user and suppressed(source.id, user)) for user in users]
        left = keep.count(True)
        if 0 < left < len(keep) and endpoint in BATCHES:
            body = batch_without(body, keep)
        return body, left

    def _spend(self, source_id: str, events: int) -> None:
        per_minute = self._limits.events_per_minute
        if not per_minute:
            return
        now = self._clock.now_ms()
        bucket = self._buckets.get(source_id)
        if bucket is None:
            bucket = self._buckets[source_id] = LeakyBucket(per_minute, now)
        if not bucket.take(events, now):
            raise refusals.rate_limited()


def _header_key(headers: Headers) -> str:
    key = key_in_header(headers)
    if not key:
        raise refusals.no_key_in_header()
    return key


def _beacon_key(scope: Scope) -> str:
    """Beacons carry no headers of their own: the key in the query counts, and only that."""
    key = query_parameters(scope).get("writeKey", "")
    if not key:
        raise refusals.no_key_in_query()
    return key
