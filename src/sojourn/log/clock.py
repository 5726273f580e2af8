"""The wall clock."""

from __future__ import annotations

import time


class WallClock:
    """The machine's clock, as `sojourn.core.ports.Clock` wants it."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000
