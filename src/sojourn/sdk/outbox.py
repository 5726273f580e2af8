"""The queue of events that wait for delivery: bounded, in memory, on disk where there is a store.

An event is its JSON text as ASCII bytes without the closing brace, so that the time of sending
can be put at its end without touching the rest. Order is kept. One sender takes events out.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Optional

from sojourn.sdk.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from sojourn.sdk.diskqueue import DiskQueue
    from sojourn.sdk.options import QueueLimits, Stats

FULL = "the queue was full"
CLOSED = "the client was closed"
UNSENT = "not delivered before the client was closed"

_PATIENCE = 1.0
"""Seconds that all calls together wait for room between two successful deliveries."""


class Outbox:
    """Events in, batches out. Every method may be called from any thread.

    `batch` is how many events make the sender look at once, and the most that it takes;
    `folder`, where there is a disk store, takes files named after `tag`.
    """

    def __init__(
        self, limits: QueueLimits, batch: int, folder: Optional[Path] = None, tag: str = ""
    ) -> None:
        self._limits = limits
        self._batch = batch
        self._folder = folder
        self._tag = tag
        self.wake: Optional[Callable[[], None]] = None
        """Called, with the lock held, where the sender is no thread that waits here."""
        self._reset()

    def _reset(self) -> None:
        """Set up everything that a forked child must not share with its parent."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._tally = Tally()
        self._items: deque[bytes] = deque()
        self._bytes = 0  # of items and of what is under way
        self._under_way: list[bytes] = []
        self._disk: Optional[DiskQueue] = None
        self._opened = self._folder is None
        self._patience = _PATIENCE
        self._since = 0.0
        self._waiters: list[tuple[int, Callable[[], None]]] = []
        self._flushing = False
        self._closing = False
        self._stopped = False
        self._abandoned = False

    def after_fork(self) -> None:
        """In a forked child: what waits belongs to the parent, which will send it."""
        disk = self._disk
        self._reset()
        if disk is not None:
            disk.release()

    # In

    def put(self, event: bytes, may_wait: Callable[[], bool]) -> bool:
        """Take in one event; False if it was dropped, which is counted.

        `may_wait` is asked before the calling thread is held up.
        """
        with self._lock:
            if self._closing:
                return self._tally.drop(CLOSED)
            if not self._opened:
                self._open()
            disk, items = self._disk, self._items
            if not self._fits(event) or (disk is not None and disk.spilled):
                if disk is not None:
                    return self._spill(disk, event)
                if not self._find_room(event, may_wait):
                    return self._tally.drop(FULL)
            if disk is not None:
                error = disk.file(event, len(items))
                if error:
                    self._tally.last_error = error
            items.append(event)
            self._bytes += len(event)
            self._tally.queued += 1
            if len(items) == 1:
                self._since = monotonic()
                self._notify()
            elif len(items) == self._batch:
                self._notify()
        return True

    def drop(self, reason: str) -> None:
        """Count an event that never came in."""
        with self._lock:
            self._tally.drop(reason)

    def _open(self) -> None:
        """Take over what dead processes left, and begin a file of our own."""
        from sojourn.sdk.diskqueue import DiskQueue

        self._opened = True
        assert self._folder is not None
        try:
            self._disk = DiskQueue(self._folder, self._tag)
            self._tally.queued += self._disk.adopted
        except OSError as error:
            self._tally.last_error = f"no disk store: {error}"

    def _fits(self, event: bytes) -> bool:
        limits = self._limits
        return (
            len(self._items) + len(self._under_way) < limits.events
            and self._bytes + len(event) <= limits.bytes
        )

    def _find_room(self, event: bytes, may_wait: Callable[[], bool]) -> bool:
        """Make room by the stated policy; False if there is none."""
        if self._limits.when_full == "drop-old":
            while self._items and not self._fits(event):
                self._bytes -= len(self._items.popleft())
                self._tally.lose(1, FULL)
        elif self._limits.when_full == "wait" and self._patience > 0 and may_wait():
            start = monotonic()
            self._room.wait_for(lambda: self._closing or self._fits(event), self._patience)
            self._patience -= monotonic() - start
        return not self._closing and self._fits(event)

    def _spill(self, disk: DiskQueue, event: bytes) -> bool:
        """Keep the event on disk alone, for when memory has room again."""
        error = disk.spill(event, self._limits.disk_bytes)
        if error:
            return self._tally.drop(error)
        self._tally.queued += 1
        return True

    # Out

    def next_batch(self, max_bytes: int, interval: float) -> Optional[list[bytes]]:
        """Wait for the next batch; `None` when the sender is to end. `interval` in seconds."""
        with self._lock:
            while not self._stopped:
                delay = self._delay(interval)
                if delay == 0:
                    return self._take(max_bytes)
                if delay is None and self._closing:
                    break
                self._changed.wait(delay)
        return None

    def poll(self, max_bytes: int, interval: float) -> tuple[Optional[float], list[bytes]]:
        """For a sender that is no thread: seconds until a batch is due, and that batch once it is.

        `None`: nothing waits.
        """
        with self._lock:
            delay = self._delay(interval)
            return delay, self._take(max_bytes) if delay == 0 else []

    def _delay(self, interval: float) -> Optional[float]:
        if not self._tally.queued:
            self._flushing = False
            return None
        hurry = self._flushing or self._closing or (self._disk and self._disk.pressing)
        if hurry or len(self._items) >= self._batch:
            return 0
        return max(0, self._since + interval - monotonic())

    def _take(self, max_bytes: int) -> list[bytes]:
        disk, items, size = self._disk, self._items, 0
        batch = disk.take_left(self._batch, max_bytes) if disk else []
        self._bytes += sum(map(len, batch))
        if not batch:
            while items and len(batch) < self._batch:
                size += len(items[0])
                if batch and size > max_bytes:
                    break
                batch.append(items.popleft())
            if disk is not None and batch:
                disk.taken(batch)
            elif disk is not None:
                batch = disk.take_spilled(self._batch, max_bytes)
                self._bytes += sum(map(len, batch))
            self._since = monotonic()
        self._under_way = batch
        return batch

    def settle(self, sent: int, rejected: Counter[str], dropped: Counter[str]) -> None:
        """The batch is done with: so many were accepted, the others failed for these reasons."""
        with self._lock:
            if self._abandoned:
                return
            self._bytes -= sum(map(len, self._under_way))
            self._under_way = []
            self._tally.settle(sent, rejected, dropped)
            if self._disk is not None:
                self._disk.settle()
            if sent:
                self._patience = _PATIENCE
            self._room.notify_all()
            finished = self._tally.finished
            due = [waiter for waiter in self._waiters if waiter[0] <= finished]
            self._waiters = [waiter for waiter in self._waiters if waiter[0] > finished]
        for _, callback in due:
            callback()

    def failed_attempt(self, why: str) -> None:
        """Note that a request failed and will be sent again."""
        with self._lock:
            self._tally.retried += 1
            self._tally.last_error = why

    def note(self, error: str) -> None:
        """Note what went wrong, for `stats`."""
        self._tally.last_error = error

    def pause(self, seconds: float, *, firm: bool) -> None:
        """Wait before the next attempt; a flush or a close ends it early, unless it is firm."""
        until = monotonic() + seconds
        with self._lock:
            self._flushing = False
            while not self._stopped and (left := until - monotonic()) > 0:
                if self._flushing and not firm:
                    return
                self._changed.wait(left)

    # Around

    def _notify(self) -> None:
        if self.wake is None:
            self._changed.notify()
        else:
            self.wake()

    def watch(self, callback: Callable[[], None]) -> Optional[int]:
        """Send what waits now, and call back when it is done with. `None`: nothing waits.

        Returns how many events had failed so far: compare with `failed` afterwards.
        """
        with self._lock:
            if not self._opened and not self._closing:
                self._open()
            if not self._tally.queued:
                return None
            self._waiters.append((self._tally.finished + self._tally.queued, callback))
            self._flushing = True
            self._notify()
            return self._tally.failed

    @property
    def stopped(self) -> bool:
        """The sender is to end now."""
        return self._stopped

    @property
    def failed(self) -> int:
        """How many events that had been taken in were not sent in the end."""
        return self._tally.failed

    def close(self) -> None:
        """Take in nothing more; the sender ends once everything is out."""
        with self._lock:
            self._closing = self._flushing = True
            self._notify()
            self._room.notify_all()

    def abandon(self) -> int:
        """End the sender; what still waits stays on disk, or is dropped and counted.

        Returns how many were dropped.
        """
        with self._lock:
            self._stopped = self._abandoned = True
            self._notify()
            lost = len(self._under_way) + len(self._items)
            if self._disk is not None:
                lost = self._disk.close(len(self._items))
            self._tally.lose(lost, UNSENT)
            self._items.clear()
            return lost

    def stats(self) -> Stats:
        """The counts at this moment."""
        with self._lock:
            stats: Stats = self._tally.stats()
            return stats
