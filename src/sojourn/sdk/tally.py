"""The counts of what became of events. Guarded by the outbox's lock."""

from __future__ import annotations

from collections import Counter
from typing import Optional

from sojourn.sdk.options import Stats


class Tally:
    """Every event that comes in ends in exactly one of sent, rejected, dropped, or still waits."""

    def __init__(self) -> None:
        self.queued = 0
        self.finished = 0
        """Sent, rejected, or dropped after they had been taken in."""
        self.failed = 0
        """Those of the finished that were not sent."""
        self._sent = 0
        self._rejected = 0
        self._dropped = 0
        self.retried = 0
        self.reasons: Counter[str] = Counter()
        self.last_error: Optional[str] = None

    def drop(self, reason: str) -> bool:
        """Count an event that did not come in. Returns False, for `put` to return."""
        self._dropped += 1
        self.reasons[reason] += 1
        self.last_error = reason
        return False

    def lose(self, count: int, reason: str) -> None:
        """Count events that had come in and are dropped."""
        if count:
            self.queued -= count
            self.finished += count
            self.failed += count
            self._dropped += count
            self.reasons[reason] += count

    def settle(self, sent: int, rejected: Counter[str], dropped: Counter[str]) -> None:
        """Count a batch that is done with."""
        failed = sum(rejected.values()) + sum(dropped.values())
        self.queued -= sent + failed
        self.finished += sent + failed
        self.failed += failed
        self._sent += sent
        self._rejected += sum(rejected.values())
        self._dropped += sum(dropped.values())
        self.reasons.update(rejected)
        self.reasons.update(dropped)

    def stats(self) -> Stats:
        """The counts as the program sees them."""
        return Stats(
            self.queued,
            self._sent,
            self._dropped,
            self._rejected,
            self.retried,
            self.last_error,
            dict(self.reasons),
        )
