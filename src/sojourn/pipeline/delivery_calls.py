"""The calls of a delivery: which events go out when, and what follows from the outcomes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sojourn.core.envelope import DeadLetter, pack_dead
from sojourn.core.errors import Transient
from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry
from sojourn.core.ports import DEAD, Clock, Destination, Entry, EventLog
from sojourn.pipeline.delivery_breaker import MOST_ASKED_S, Breaker, backoff
from sojourn.pipeline.delivery_ledger import Ledger
from sojourn.pipeline.delivery_queue import Item, Queue
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.pipeline.delivery_stats import DeliveryStats, count, short

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(dict[str, Any]).decode

PROBE_EVENTS = 20
"""So many events go out to see whether a destination is back."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 15.0
"""Between attempts to write dead letters."""


class Burial:
    """Appends what is given up to the dead letters; nothing is forgotten before it is there."""

    def __init__(self, name: str, log: EventLog, stats: DeliveryStats) -> None:
        self._name = name
        self._log = log
        self._stats = stats
        self.stopping = False

    async def bury(self, dead: Sequence[tuple[Item, str]]) -> list[Item]:
        """Append events with their reasons; returns those that are there now.

        Tries until the log takes them; at the end of the process it gives up, and the events
        come again.
        """
        entries = [Entry(item.lane, self._letter(item, why)) for item, why in dead]
        wait = _FIRST_WAIT_S
        while True:
            try:
                await self._log.append(DEAD, entries)
                break
            except Transient as error:
                _log.warning("%s: dead letters cannot be written: %s", self._name, error)
                if self.stopping:
                    return []
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT_S)
        for _, why in dead:
            count(self._stats.rejected, short(why))
            self._stats.last_error = why
        return [item for item, _ in dead]

    def _letter(self, item: Item, why: str) -> bytes:
        return pack_dead(DeadLetter(item.source_id, item.received_at, self._name, why, item.event))


class Caller:
    """Calls the destination from as many tasks as run `serve`."""

    def __init__(
        self,
        name: str,
        destination: Destination,
        queue: Queue,
        ledger: Ledger,
        burial: Burial,
        clock: Clock,
        settings: DeliverySettings,
        stats: DeliveryStats,
        shown: Callable[[dict[str, Any]], dict[str, Any]],
        note: Callable[[], None],
    ) -> None:
        self._name = name
        self._destination = destination
        self._queue = queue
        self._ledger = ledger
        self._burial = burial
        self._clock = clock
        self._settings = settings
        self._stats = stats
        self._shown = shown
        self._note = note
        self._breaker = Breaker(settings.backoff_first, settings.backoff_most)
        self._rate = settings.events_per_second or destination.capabilities.events_per_second
        self._next_slot = 0.0
        self._work = asyncio.Event()
        self._stopping = False

    @property
    def down(self) -> bool:
        """Whether the destination counts as down."""
        return self._breaker.open

    def wake(self) -> None:
        """There may be something to do."""
        if self._queue.ready:
            self._work.set()

    def stop(self) -> None:
        """No more calls; `serve` returns once those under way are over."""
        self._stopping = self._burial.stopping = True
        self._work.set()

    async def serve(self) -> None:
        """Make calls until `stop`."""
        while not self._stopping:
            items = self._next()
            if items:
                await self._call(items)
            else:
                self._work.clear()
                await self._work.wait()

    def _next(self) -> list[Item]:
        """The events of the next call; none while there are none, or none may go out."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._queue.ready or not self._breaker.allows(now):
            return []
        if self._rate:
            if now < self._next_slot:
                loop.call_at(self._next_slot, self._work.set)
                return []
            self._next_slot = now
        items = self._queue.take(PROBE_EVENTS if self._breaker.open else None)
        if items:
            self._breaker.started()
            if self._rate:
                self._next_slot += len(items) / self._rate
        return items

    async def _call(self, items: Sequence[Item]) -> None:
        self._stats.in_flight += len(items)
        self._stats.calls += 1
        try:
            outcomes = await self._outcomes(items)
            await self._settle(items, outcomes)
        finally:
            self._stats.in_flight -= len(items)
        self._note()

    async def _outcomes(self, items: Sequence[Item]) -> Sequence[Outcome]:
        events: list[dict[str, Any]] = []
        for item in items:
            try:
                events.append(self._shown(_decode(item.event)))
            except msgspec.DecodeError:
                return await self._one_by_one(items)
        try:
            outcomes = await self._destination.deliver(events)
        except Exception as error:
            _log.exception("%s: the destination raised", self._name)
            return [Retry(f"{type(error).__name__}: {error}", alone=len(items) > 1)] * len(items)
        if len(outcomes) != len(items):
            why = f"the destination gave {len(outcomes)} outcomes for {len(items)} events"
            return [Retry(why)] * len(items)
        return outcomes

    async def _one_by_one(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """The outcomes where an event is no JSON object: it is refused, the others go alone."""
        if len(items) == 1:
            return [Rejected("not a JSON object")]
        return [(await self._outcomes([item]))[0] for item in items]

    async def _settle(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        loop, now_ms = asyncio.get_running_loop(), self._clock.now_ms()
        done: list[Item] = []
        dead: list[tuple[Item, str]] = []
        failed: dict[str, tuple[Item, Retry]] = {}
        asked: float | None = None
        answered = False
        for item, outcome in zip(items, outcomes, strict=True):
            answered = answered or not isinstance(outcome, Retry) or outcome.alone
            if isinstance(outcome, Delivered):
                done.append(item)
                self._stats.arrived(max(0, now_ms - item.received_at) / 1000)
            elif isinstance(outcome, Rejected):
                dead.append((item, outcome.why))
            else:
                item.alone = item.alone or outcome.alone
                failed.setdefault(item.lane, (item, outcome))
                if outcome.after is not None:
                    asked = max(asked or 0, outcome.after)
        waits = self._failures(failed, dead, now_ms)
        if dead:
            done += await self._burial.bury(dead)
        if answered:
            self._breaker.succeeded(loop.time())
        elif failed:
            self._breaker.failed(loop.time(), asked)
            if self._breaker.open:
                loop.call_at(self._breaker.until, self._work.set)
        for item in done:
            self._ledger.finished(item)
        self._queue.settle(done, dict.fromkeys(item.lane for item in items), frozenset(waits))
        for lane, wait in waits.items():
            loop.call_later(wait, self._release, lane)

    def _failures(
        self,
        failed: dict[str, tuple[Item, Retry]],
        dead: list[tuple[Item, str]],
        now_ms: int,
    ) -> dict[str, float]:
        """Count the first failure of each lane; returns the lanes' waits, seconds.

        Later events of the lane were held back by it and are not counted. What failed long and
        often enough joins the dead.
        """
        settings, waits = self._settings, dict[str, float]()
        for lane, (item, outcome) in failed.items():
            item.tries += 1
            item.first_failure = item.first_failure or now_ms
            self._stats.last_error = outcome.why
            old = now_ms - item.first_failure >= settings.give_up_after * 1000
            if old and item.tries >= settings.give_up_tries:
                dead.append((item, f"gave up: {item.tries} failures, the last: {outcome.why}"))
                continue
            self._stats.retried += 1
            self._ledger.attempted(item)
            wait = backoff(item.tries, settings.backoff_first, settings.backoff_most)
            waits[lane] = wait if outcome.after is None else min(outcome.after, MOST_ASKED_S)
            if outcome.alone and item.tries == 1:
                # It may be the fault of a neighbour: no need to wait before it goes by itself.
                waits[lane] = 0
        return waits

    def _release(self, lane: str) -> None:
        self._queue.release(lane)
        self._work.set()
