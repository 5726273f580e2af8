"""The side of the queue where events come in: its limits, its policy when full, its disk."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Optional

from sojourn.sdk.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sojourn.sdk.diskqueue import DiskQueue
    from sojourn.sdk.options import QueueLimits

FULL = "the queue was full"
CLOSED = "the client was closed"

PATIENCE = 1.0
"""Seconds that all calls together wait for room between two successful deliveries."""
_MANY = 1000  # waiting events, from which on the sender is let go first


class Intake:
    """Takes events in. Every method may be called from any thread.

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
        self._patience = PATIENCE
        self._since = 0.0
        self._waiters: list[tuple[int, Callable[[], None]]] = []
        self._flushing = False
        self._closing = False
        self.stopped = False
        """The sender is to end now."""
        self.left = False
        """The sender ended before all was sent: the disk has the rest."""
        self._abandoned = False

    def after_fork(self) -> None:
        """In a forked child: what waits belongs to the parent, which will send it."""
        disk = self._disk
        self._reset()
        if disk is not None:
            disk.release()

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

    @property
    def crowded(self) -> bool:
        """Whether the caller should let the sender go first: now and then, once many wait."""
        count = len(self._items)
        return count > _MANY and count % 8 == 0

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

    def _notify(self) -> None:
        if self.wake is None:
            self._changed.notify()
        else:
            self.wake()
