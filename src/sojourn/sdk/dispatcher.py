"""The thread that delivers: started by the first event, a daemon, anew in a forked child."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Optional

from sojourn.sdk import exits

if TYPE_CHECKING:
    from sojourn.core.ports import Transport
    from sojourn.sdk.courier import Courier, DeliveryError, Shipment
    from sojourn.sdk.options import Delivery, Stats
    from sojourn.sdk.outbox import Outbox


class ThreadDispatcher:
    """Takes events from the program's threads and delivers them from one of its own."""

    def __init__(
        self,
        outbox: Outbox,
        delivery: Delivery,
        make_courier: Callable[[], Courier],
        make_transport: Callable[[], Transport],
        on_error: Callable[[DeliveryError], None],
    ) -> None:
        self._outbox = outbox
        self._delivery = delivery
        self._make_courier = make_courier
        self._make_transport = make_transport
        self._on_error = on_error
        self._thread: Optional[threading.Thread] = None
        self._starting = threading.Lock()

    def put(self, event: bytes) -> bool:
        """Queue one event (JSON without its closing brace); False if it was dropped."""
        if self._thread is None:
            self.start()
        accepted = self._outbox.put(event, _may_wait)
        if self._outbox.crowded:
            _yield()  # lets the thread have its turn, which would else wait for 5 ms each time
        return accepted

    def drop(self, reason: str) -> None:
        """Count an event that is not queued at all."""
        self._outbox.drop(reason)

    def hurry(self) -> None:
        """Send what waits without delay, and do not wait for it."""
        if self._outbox.watch(_nothing) is not None:
            self.start()

    def start(self) -> bool:
        """Start the thread, if it does not run. False where there can be none now."""
        with self._starting:
            if self._thread is None and not self._outbox.stopped:
                exits.register(self)
                thread = threading.Thread(target=self._run, name="sojourn-delivery", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the interpreter is ending, or there are too many
                    self._outbox.note(str(error))
                    return False
                self._thread = thread
        return True

    def after_fork(self) -> None:
        """In a forked child: threads do not come along, and the connection is the parent's."""
        self._thread = None
        self._starting = threading.Lock()
        self._outbox.after_fork()

    def _run(self, until: Optional[float] = None) -> None:
        """Deliver until the outbox says that it is over, or `until` (monotonic seconds)."""
        with exits.fork_gate:
            from sojourn.sdk.courier import MAX_BATCH_BYTES, Shipment

            courier, transport = self._make_courier(), self._make_transport()
        try:
            while until is None or monotonic() < until:
                try:
                    batch = self._outbox.next_batch(MAX_BATCH_BYTES, self._delivery.interval)
                    if batch is None:
                        self._outbox.abandon()
                        break
                    self._deliver(Shipment(batch, self._delivery), courier, transport, until)
                except OSError as error:  # the disk: network errors are verdicts
                    self._outbox.note(f"disk store: {error}")
                    self._outbox.pause(1, firm=False)
        finally:
            exits.unregister(self)
            close = getattr(transport, "close", None)
            if close is not None:
                close()

    def _deliver(
        self,
        shipment: Shipment,
        courier: Courier,
        transport: Transport,
        until: Optional[float],
    ) -> None:
        while (part := shipment.next_part) is not None:
            verdict = courier.attempt(part, transport)
            pause = shipment.take(verdict, self._on_error)
            if pause is None:
                continue
            self._outbox.failed_attempt(verdict.why)
            if until is not None:
                pause = min(pause, max(0.0, until - monotonic()))
            if self._outbox.leave_to_disk():
                return
            firm = verdict.after is not None
            self._outbox.pause(pause, firm=firm)
            if firm and self._outbox.leave_to_disk():
                return
            if self._outbox.stopped or (until is not None and monotonic() >= until):
                return
        self._outbox.settle(shipment.sent, shipment.rejected, shipment.dropped)

    def flush(self, timeout: Optional[float]) -> bool:
        """Wait, at most `timeout` seconds, until what is queued now is done with.

        True if all of it was accepted.
        """
        done = threading.Event()
        failed = self._outbox.watch(done.set)
        if failed is None:
            return True
        self.start()
        return done.wait(timeout) and self._outbox.failed == failed and not self._outbox.left

    async def aflush(self, timeout: Optional[float]) -> bool:  # noqa: ASYNC109 (a deadline)
        """As `flush`, without holding up the event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        failed = self._outbox.watch(tell)
        if failed is None:
            return True
        self.start()
        try:
            await asyncio.wait_for(done.wait(), timeout)
        except asyncio.TimeoutError:  # noqa: UP041 (another class before Python 3.11)
            return False
        return self._outbox.failed == failed and not self._outbox.left

    def begin_close(self) -> None:
        """Take in nothing more, and send what waits without delay."""
        self._outbox.close()

    def close(self, timeout: Optional[float]) -> bool:
        """Deliver what waits, at most `timeout` seconds, and end. True if all was accepted."""
        until = monotonic() + (timeout if timeout is not None else threading.TIMEOUT_MAX)
        self.begin_close()
        if self.start():
            delivered = self.flush(timeout)
        else:  # no thread at the end of the interpreter: do it here
            self._run(until)
            delivered = self._outbox.stats().queued == 0
        self._outbox.abandon()
        if self._thread is not None and delivered:
            self._thread.join(max(0.0, until - monotonic()))
        return delivered

    async def aclose(self, timeout: Optional[float]) -> bool:  # noqa: ASYNC109 (a deadline)
        """As `close`, without holding up the event loop."""
        self.begin_close()
        delivered = await self.aflush(timeout)
        self._outbox.abandon()
        return delivered

    def stats(self) -> Stats:
        """The counts at this moment."""
        return self._outbox.stats()


_yield: Callable[[], None] = getattr(os, "sched_yield", lambda: None)
"""Gives the turn to another thread, where Python lets it go (from 3.11 on, not on Windows)."""


def _nothing() -> None:
    """Nobody waits."""


def _may_wait() -> bool:
    """Whether the calling thread may be held up: not if it runs an event loop."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is None or asyncio._get_running_loop() is None
