"""The wall clock: the one place where the platform reads the time."""

from __future__ import annotations

import time


class SystemClock:
    """The wall clock of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000
