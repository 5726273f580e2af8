"""A circuit breaker: a destination that is down is left alone, and asked now and then."""

from __future__ import annotations

import random
from dataclasses import dataclass

FAILURES = 3
"""Calls in a row without any success that open the breaker."""

MOST_ASKED_S = 3600.0
"""A far end that asks for a longer wait is asked again after this."""


def backoff(failures: int, first: float, most: float) -> float:
    """Seconds to wait after `failures` failures: doubling, between half and all of it."""
    whole = min(most, first * 2.0 ** min(failures - 1, 60))
    return whole * random.uniform(0.5, 1)


@dataclass(slots=True)
class Breaker:
    """Closed: calls go out. Open: none does until `until`. Then one call probes.

    Times are seconds of a clock that never goes back.
    """

    first: float
    most: float
    failures: int = 0
    until: float = 0
    probing: bool = False

    @property
    def open(self) -> bool:
        """Whether the far end counts as down."""
        return self.failures >= FAILURES or self.until > 0

    def allows(self, now: float) -> bool:
        """Whether a call may go out now."""
        return not self.open or (now >= self.until and not self.probing)

    def started(self) -> None:
        """A call goes out."""
        if self.open:
            self.probing = True

    def failed(self, now: float, asked: float | None) -> None:
        """A call had no success; `asked` is the wait that the far end asked for, seconds."""
        self.probing = False
        self.failures += 1
        if asked is not None:
            self.until = max(self.until, now + min(asked, MOST_ASKED_S))
        elif self.failures >= FAILURES:
            wait = backoff(self.failures - FAILURES + 1, self.first, self.most)
            self.until = max(self.until, now + wait)

    def succeeded(self, now: float) -> None:
        """A call had success. A wait that the far end asked for meanwhile still holds."""
        if self.probing or now >= self.until:
            self.until = 0
        self.probing = False
        self.failures = 0
