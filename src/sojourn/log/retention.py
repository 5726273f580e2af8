"""How long the log keeps what its readers are done with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Retention:
    """When the oldest entries of the log go. Zero means: no such limit.

    1. What a known reader has still to read stays, whatever its age.
    2. Of the rest, entries older than the age of their stream go, and where the log is
       larger than `max_bytes`, the oldest entries go until it is not.
    3. Above `hard_bytes` the oldest entries go even unread: the disk would run full and
       nothing could be accepted. They are counted (`lost_unread`) and logged as an error.
    4. A reader that has committed nothing for `forget_reader_ms` no longer counts as known.
    5. The newest entry of each partition always stays, so that offsets never repeat.
    """

    max_age_ms: int = 90 * DAY_MS
    """For streams without an age of their own, milliseconds."""
    stream_age_ms: Mapping[str, int] = field(default_factory=dict)
    """By stream: `{"raw": 7 * DAY_MS}`."""
    max_bytes: int = 50 * 10**9
    """Of the whole log, all streams together."""
    hard_bytes: int = 0
    forget_reader_ms: int = 30 * DAY_MS

    def age_ms(self, stream: str) -> int:
        """The age above which entries of `stream` go, milliseconds; 0 for never."""
        return self.stream_age_ms.get(stream, self.max_age_ms)
