"""The wall clock, the one place where the platform reads the time; and times that people write."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sojourn.core.errors import InvalidSettings


class SystemClock:
    """The wall clock of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000


def moment_of(option: str, text: str) -> datetime:
    """The ISO date or time that `option` was given, UTC without an offset.

    Raises `InvalidSettings` for text that is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidSettings(
            f"{option} is '{text}'; write 2026-03-01 or 2026-03-01T12:00"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
