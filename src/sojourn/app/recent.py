"""The last events as they come out of the processor, for people who look whether it works."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sojourn.core.envelope import unpack_dead, unpack_events
from sojourn.core.erasure import is_erased
from sojourn.core.errors import Transient
from sojourn.core.ports import DEAD, EVENTS, Clock, EventLog, Stored

KEPT = 50
_READ_BYTES = 256 << 10
_PAUSE_S = 0.5


class _Shown(msgspec.Struct, rename="camel"):
    type: str = ""
    event: Any = None
    name: Any = None
    user_id: Any = None
    anonymous_id: Any = None


class RecentEvents:
    """Keeps the newest events of the streams `events` and `dead`, from its start on."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def events(self) -> Sequence[Mapping[str, Any]]:
        """The newest first: `at` (ms), `source`, `type`, `name`, and `error` where there is one."""
        return tuple(reversed(self._kept))

    def forget(self) -> None:
        """Show none of the events that came so far: some of them were erased."""
        self._kept.clear()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow both streams until `stop` is set."""
        since = self._clock.now_ms()
        # Nameless readers: they hold nothing back, and what they missed does not matter.
        readers = [self._log.reader(stream, "", since) for stream in (EVENTS, DEAD)]
        while not stop.is_set():
            for reader, take in zip(readers, (self._take_events, self._take_dead), strict=True):
                try:
                    for entry in (await reader.read(_READ_BYTES, 0))[-KEPT:]:
                        take(entry)
                except Transient:
                    break
            try:
                await asyncio.wait_for(stop.wait(), _PAUSE_S)
            except TimeoutError:
                continue

    def _take_events(self, entry: Stored) -> None:
        batch = unpack_events(entry.value)
        for line in batch.events[-KEPT:]:
            self._keep(batch.received_at, batch.source_id, line)

    def _take_dead(self, entry: Stored) -> None:
        if is_erased(entry.value):
            return
        letter = unpack_dead(entry.value)
        self._keep(letter.received_at, letter.source_id, letter.event, letter.reason)

    def _keep(self, at: int, source: str, line: bytes, error: str = "") -> None:
        try:
            event = msgspec.json.decode(line, type=_Shown)
        except msgspec.MsgspecError:
            event = _Shown(type="unreadable")
        # Mobile SDKs give the name of a screen in `event`.
        name = event.name if event.type == "page" else event.event or event.name
        shown = {
            "at": at,
            "source": source,
            "type": event.type,
            "name": name if isinstance(name, str) else "",
            "user": event.user_id or event.anonymous_id or "",
        }
        self._kept.append(shown | {"error": error} if error else shown)
