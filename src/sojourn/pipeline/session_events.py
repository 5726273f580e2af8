"""Sessions as events: `Session Started`, `Session Ended`, and `Session Amended` for corrections.

A session is announced when it is first seen, reported once it is over, and reported again, with
a higher revision, when late events change what was said about it. The message ids of one session
are of one family, `session-<hash of the session>-<revision>`: revision 0 started, 1 ended, 2 and
higher amended, so a second copy is known for what it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from sojourn.core.envelope import pack_events
from sojourn.core.errors import Transient
from sojourn.core.ports import Batch, Clock, Entry, EventLog, StateStore
from sojourn.pipeline.delivery_reading import private_stream

_log = logging.getLogger(__name__)

_SPACE = "session_events"
_POSITION = "position"
_REMEMBERED_MS = 90 * 86_400_000
"""So long a session's reports are remembered, and it can still be amended."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What is said about a session. Times are milliseconds since the Unix epoch."""

    key: str
    """Unique among all sessions."""
    source_id: str
    anonymous_id: str
    user_id: str | None
    session_id: int | None
    """The SDK's id; None for a session that was inferred."""
    start: int
    end: int
    open_until: int
    """While the clock is at or before it, more may follow."""
    duration: float
    """Seconds."""
    events: int
    views: int
    entry: str | None
    exit: str | None
    start_reason: str
    end_reason: str


Changed = Callable[[str], Awaitable[tuple[Sequence[SessionRow], str]]]
"""`changed(position)`: the sessions that were made anew, or came to be over, since a position
(`""` for the beginning), and the position to ask from next."""


class SessionEvents:
    """Turns changes of sessions into events for the destinations that want them."""

    def __init__(
        self,
        changed: Changed,
        log: EventLog,
        state: StateStore,
        clock: Clock,
        destinations: Iterable[str],
        interval: float = 10,
    ) -> None:
        self._changed = changed
        self._log = log
        self._state = state
        self._clock = clock
        self._streams = [private_stream(name) for name in destinations]
        self._interval = interval
        self.sent = 0
        """Session events appended since the start."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look for changes every `interval` seconds until `stop` is set."""
        while not stop.is_set():
            try:
                await self.step()
            except Transient as error:
                _log.warning("session events wait: %s", error)
            try:
                await asyncio.wait_for(stop.wait(), self._interval)
            except TimeoutError:
                continue

    async def step(self) -> int:
        """Append the events of all changes since the last step; returns how many there were.

        The events are on disk before they count as sent: a crash repeats them, with the same
        message ids. Raises `LogUnavailable`.
        """
        stored = self._state.get(_SPACE, [_POSITION])
        rows, position = await self._changed(stored.get(_POSITION, b"").decode())
        known = self._state.get(_SPACE, [row.key for row in rows])
        entries: list[Entry] = []
        told: dict[str, bytes] = {}
        for row in rows:
            before, said = _told(known.get(row.key))
            for name, revision in _news(row, before, said, self._clock.now_ms()):
                entries.append(self._entry(row, name, revision))
                told[row.key] = msgspec.json.encode([revision, _content(row)])
        if entries:
            for stream in self._streams:
                await self._log.append(stream, entries)
            self._state.put(_SPACE, told, self._clock.now_ms() + _REMEMBERED_MS)
        if position.encode() != stored.get(_POSITION, b""):
            self._state.put(_SPACE, {_POSITION: position.encode()}, 0)
        self.sent += len(entries)
        return len(entries)

    def _entry(self, row: SessionRow, name: str, revision: int) -> Entry:
        now = self._clock.now_ms()
        event = _event(row, name, revision, now)
        batch = Batch(row.source_id, now, [msgspec.json.encode(event)])
        return Entry(f"{row.source_id}\n{row.anonymous_id}", pack_events(batch))


def forget_sessions(state: StateStore, keys: Sequence[str]) -> int:
    """Forget what was said about sessions that are no more; how many there were."""
    known = state.get(_SPACE, keys)
    state.delete(_SPACE, list(known))
    return len(known)


def _told(stored: bytes | None) -> tuple[int, str]:
    """The revision that was told last (-1: none) and what it said."""
    if stored is None:
        return -1, ""
    revision, said = msgspec.json.decode(stored, type=tuple[int, str])
    return revision, said


def _news(row: SessionRow, revision: int, said: str, now: int) -> list[tuple[str, int]]:
    """The events that are due, with their revisions."""
    news: list[tuple[str, int]] = []
    if revision < 0:
        news.append(("Session Started", 0))
        revision = 0
    if now > row.open_until:
        if revision == 0:
            news.append(("Session Ended", 1))
        elif said != _content(row):
            news.append(("Session Amended", revision + 1))
    return news


def _content(row: SessionRow) -> str:
    """What was said about a session, so that a change is noticed."""
    said = (row.start, row.end, row.events, row.views, row.entry, row.exit, row.end_reason)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def message_id(key: str, revision: int) -> str:
    """The message id of a session's event: at most 36 characters, as Mixpanel keeps no more."""
    return f"session-{hashlib.sha256(key.encode()).hexdigest()[:22]}-{revision}"


def _event(row: SessionRow, name: str, revision: int, now: int) -> dict[str, Any]:
    started = revision == 0
    properties: dict[str, Any] = {"revision": revision, "start_reason": row.start_reason}
    if not started:
        properties |= {
            "duration": row.duration,
            "events": row.events,
            "views": row.views,
            "entry": row.entry,
            "exit": row.exit,
            "reason": row.end_reason,
        }
    context: dict[str, Any] = {"library": {"name": "sojourn"}}
    if row.session_id is not None:
        context["sessionId"] = row.session_id
        if started:
            context["sessionStart"] = True
    moment = _iso(row.start if started else row.end)
    event: dict[str, Any] = {
        "type": "track",
        "event": name,
        "messageId": message_id(row.key, revision),
        "anonymousId": row.anonymous_id,
        "channel": "server",
        "context": context,
        "properties": properties,
        "originalTimestamp": moment,
        "timestamp": moment,
        "sentAt": _iso(now),
        "receivedAt": _iso(now),
    }
    if row.user_id:
        event["userId"] = row.user_id
    return event


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"
