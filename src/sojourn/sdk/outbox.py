"""The queue of events that wait for delivery: bounded, in memory, on disk where there is a store.

An event is its JSON text as ASCII bytes without the closing brace, so that the time of sending
can be put at its end without touching the rest. Order is kept. One sender takes events out.
"""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Optional

from sojourn.sdk.intake import CLOSED, FULL, PATIENCE, Intake

if TYPE_CHECKING:
    from collections.abc import Callable

    from sojourn.sdk.diskqueue import DiskQueue
    from sojourn.sdk.options import Stats

__all__ = ["CLOSED", "FULL", "UNSENT", "Outbox"]

UNSENT = "not delivered before the client was closed"


class Outbox(Intake):
    """Events in, batches out."""

    def next_batch(self, max_bytes: int, interval: float) -> Optional[list[bytes]]:
        """Wait for the next batch; `None` when the sender is to end. `interval` in seconds."""
        with self._lock:
            while not self.stopped:
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
        if self._under_way:  # the sender failed with it: it takes it again
            return self._under_way
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
                self._note_on_disk(self._disk)
            if sent:
                self._patience = PATIENCE
            self._room.notify_all()
            due = self._due(self._tally.finished)
        for callback in due:
            callback()

    def _note_on_disk(self, disk: DiskQueue) -> None:
        """Note there too what is done with; where that fails it may be sent a second time."""
        try:
            disk.settle()
        except OSError as error:
            self._tally.last_error = f"disk store: {error}"

    def _due(self, finished: int) -> list[Callable[[], None]]:
        """The callbacks of those who wait for no more than this."""
        due = [callback for target, callback in self._waiters if target <= finished]
        self._waiters = [waiter for waiter in self._waiters if waiter[0] > finished]
        return due

    def leave_to_disk(self) -> bool:
        """Whether to end now: the program is ending, a request failed, and the disk has it all."""
        with self._lock:
            if not self._closing or self._disk is None or not self._disk.complete:
                return False
            self.stopped = self.left = True
            due = self._due(self._tally.finished + self._tally.queued)
        for callback in due:
            callback()
        return True

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
            while not self.stopped and (left := until - monotonic()) > 0:
                if self._flushing and not firm:
                    return
                if self._closing and self._disk is not None and self._disk.complete:
                    return
                self._changed.wait(left)

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
            if self._abandoned:
                return 0
            self.stopped = self._abandoned = True
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
