"""The queue on a page: what waits can be taken out while a request is under way."""

from __future__ import annotations

from collections import Counter

from sojourn.sdk.outbox import Outbox


class PageOutbox(Outbox):
    """As `Outbox`, in memory. The page may go at any moment."""

    def take_waiting(self, max_bytes: int) -> list[bytes]:
        """The next events that are not under way; at least one if there is any."""
        with self._lock:
            batch: list[bytes] = []
            size = 0
            while self._items and len(batch) < self._batch:
                size += len(self._items[0])
                if batch and size > max_bytes:
                    break
                batch.append(self._items.popleft())
            return batch

    def sent(self, batch: list[bytes]) -> None:
        """The browser has promised to send these."""
        with self._lock:
            self._bytes -= sum(map(len, batch))
            self._tally.settle(len(batch), Counter(), Counter())

    def give_back(self, batch: list[bytes]) -> None:
        """These wait again, before all others."""
        with self._lock:
            self._items.extendleft(reversed(batch))

    def unsent(self, *, under_way: bool) -> list[bytes]:
        """A copy of what waits, with what is `under_way` or without."""
        with self._lock:
            return [*(self._under_way if under_way else ()), *self._items]
