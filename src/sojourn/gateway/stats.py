"""What the gateway counted since it was made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Stats:
    """Plain counters; read them at any time."""

    requests: int = 0
    """Accepted: answered 200, and in the log if they held anything to store."""
    events: int = 0
    """In accepted requests, without suppressed ones."""
    body_bytes: int = 0
    """Of accepted requests, after inflating."""
    suppressed: int = 0
    """Events of suppressed users: answered 200 and not stored."""
    aborted: int = 0
    """Requests whose client went away before the body was there."""
    refused: Counter[str] = field(default_factory=Counter)
    """Refused requests by reason; see `Refused.reason`."""
    active: int = 0
    """Event requests under way."""
    buffered_bytes: int = 0
    """Of their bodies, in memory now."""
