"""The way of one event request: who, what, how much, into the log."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import RAW, Clock, Entry, EventLog
from sojourn.core.source import Source
from sojourn.gateway.answers import Headers, Receive, Scope
from sojourn.gateway.body import BodyReader
from sojourn.gateway.credentials import key_in_header, query_parameters, request_ip
from sojourn.gateway.limits import LeakyBucket, Limits
from sojourn.gateway.payload import (
    Payload,
    check_not_empty,
    judge,
    wire_size,
)
from sojourn.gateway.refusals import (
    Refused,
    log_failed,
    log_timed_out,
    no_key_in_header,
    no_key_in_query,
    overloaded,
    rate_limited,
    slow_body,
    source_disabled,
    too_large,
    unknown_key,
)
from sojourn.gateway.stats import Stats
from sojourn.gateway.suppression import Suppressed, without_suppressed

Sources = Callable[[str], Source | None]
"""The source of a write key; asked at every request, so that changes take effect at once."""


class Ingest:
    """Takes event requests. `buffered`: bytes of all bodies in memory."""

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
        self._buckets: dict[str, LeakyBucket] = {}
        self.buffered = 0
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
            raise overloaded()
        stats.active += 1
        reader = BodyReader(receive, headers, self._limits, self)
        try:
            source = self.source(_beacon_key(scope) if beacon else _header_key(headers))
            body = await self._in_time(reader.read(), self._limits.upload_seconds, slow_body)
            payload, body = self._admit(source, endpoint, body)
            if payload.events:
                await self.store(source, endpoint, scope, headers, body, payload.person)
            stats.requests += 1
            stats.events += len(payload.events)
            stats.body_bytes += len(body)
        finally:
            stats.active -= 1
            reader.release()

    def source(self, write_key: str) -> Source:
        """The enabled source of `write_key`. Raises `Refused`."""
        source = self._sources(write_key)
        if source is None:
            raise unknown_key()
        if not source.enabled:
            raise source_disabled()
        return source

    async def store(
        self,
        source: Source,
        endpoint: str,
        scope: Scope,
        headers: Headers,
        body: bytes,
        person: str,
    ) -> None:
        """Append one request to the raw stream; returns once it is durable. Raises `Refused`."""
        anonymous = headers.get(b"anonymousid")
        key = f"{source.id}:{anonymous.decode('latin-1') if anonymous else person}"
        now = self._clock.now_ms()
        batch_id = secrets.token_hex(16)
        meta = RequestMeta(source.id, now, request_ip(scope, headers), endpoint, batch_id)
        entry = Entry(key, pack_request(meta, body))
        try:
            await self._in_time(
                self._log.append(RAW, (entry,)), self._limits.commit_seconds, log_timed_out
            )
        except LogUnavailable as error:
            self.log_failed_at = now
            raise log_failed() from error
        self.log_failed_at = None

    def _admit(self, source: Source, endpoint: str, body: bytes) -> tuple[Payload, bytes]:
        """Judge a body, in the order of RudderStack's gateway. Raises `Refused`."""
        payload = judge(endpoint, body, self._limits.depth)
        self._spend(source.id, len(payload.events))
        size = wire_size(endpoint, body, payload)
        if self._suppressed is not None and payload.events:
            payload, body, left_out = without_suppressed(
                self._suppressed, source.id, endpoint, body, payload
            )
            self._stats.suppressed += left_out
            if not payload.events:
                return payload, body
        if size > self._limits.request_bytes:
            raise too_large()
        check_not_empty(endpoint, payload)
        return payload, body

    def _spend(self, source_id: str, events: int) -> None:
        per_minute = self._limits.events_per_minute
        if not per_minute:
            return
        now = self._clock.now_ms()
        bucket = self._buckets.get(source_id)
        if bucket is None:
            bucket = self._buckets[source_id] = LeakyBucket(per_minute, now)
        if not bucket.take(events, now):
            raise rate_limited()

    async def _in_time(self, work: Any, seconds: float, late: Callable[[], Refused]) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            raise late() from None


def _header_key(headers: Headers) -> str:
    key = key_in_header(headers)
    if not key:
        raise no_key_in_header()
    return key


def _beacon_key(scope: Scope) -> str:
    """Beacons carry no headers of their own: the key in the query counts, and only that."""
    key = query_parameters(scope).get("writeKey", "")
    if not key:
        raise no_key_in_query()
    return key
