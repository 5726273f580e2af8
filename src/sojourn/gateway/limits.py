"""How much the gateway takes, and how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Zero means no limit for `events_per_minute`; the others always hold."""

    request_bytes: int = 4_096_000
    """Of one request after inflating, counted as RudderStack counts: with the type set and
    the batch wrapper added. Above it 413."""
    depth: int = 200
    """Levels of nesting in a body. Above it 400."""
    concurrency: int = 20_000
    """Event requests under way at once; the next gets 503."""
    buffered_bytes: int = 256 * 2**20
    """Of all bodies in memory at once; what comes on top gets 503."""
    upload_seconds: float = 30.0
    """From the head of a request to the end of its body; then 408."""
    commit_seconds: float = 10.0
    """For the log to store a request; then 504."""
    events_per_minute: int = 0
    """Of one source; a request above it gets 429 as a whole."""

    @property
    def readable_bytes(self) -> int:
        """How much of a body is read before it is refused unseen: who sends a bit too much of
        what is wrong anyhow is told what is wrong (identity is judged before size)."""
        return self.request_bytes * 5 // 4


class LeakyBucket:
    """Lets `per_minute` through on average, and as many at once after a quiet minute."""

    def __init__(self, per_minute: int, now_ms: int) -> None:
        self._per_minute = per_minute
        self._level = 0.0
        self._at = now_ms

    def take(self, events: int, now_ms: int) -> bool:
        """Whether `events` fit; they count if they do. An empty bucket takes any request."""
        leaked = max(0, now_ms - self._at) * self._per_minute / 60_000
        self._level = max(0.0, self._level - leaked)
        self._at = now_ms
        if self._level and self._level + events > self._per_minute:
            return False
        self._level += events
        return True
