"""What a delivery did, for metrics and status pages."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

LATENCY_BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 10_800)
"""Upper bounds of the latency buckets, seconds; one more bucket has what is slower."""


@dataclass(slots=True)
class DeliveryStats:
    """Counts since the start of the process. Reasons are short: `HTTP 400`, `gave up`."""

    delivered: int = 0
    retried: int = 0
    """Failed attempts that are tried again."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Events that went to the dead letters, by reason."""
    filtered: dict[str, int] = field(default_factory=dict)
    """Events that the destination's filters left out, by filter."""
    calls: int = 0
    in_flight: int = 0
    """Events in calls under way."""
    pending: int = 0
    """Events in memory, those kept aside included."""
    parked: int = 0
    """Events kept aside until the next try."""
    down: bool = False
    """The circuit breaker is open."""
    last_error: str = ""
    lag_events: int = 0
    """Log entries that are not done with, as of the last look."""
    lag_seconds: float = 0
    """Age of the oldest of them."""
    latency_sum: float = 0
    """Seconds from receipt to delivery, over all delivered events."""
    latency_buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))

    def arrived(self, latency: float) -> None:
        """Count one delivered event that took `latency` seconds since its receipt."""
        self.delivered += 1
        self.latency_sum += latency
        self.latency_buckets[bisect_left(LATENCY_BOUNDS, latency)] += 1


def count(counts: dict[str, int], reason: str) -> None:
    """Add one to a reason."""
    counts[reason] = counts.get(reason, 0) + 1


def short(why: str) -> str:
    """The kind of a reason: what stands before its first colon."""
    return why.partition(":")[0].strip()[:60] or "unknown"
