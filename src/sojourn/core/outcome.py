"""What became of the delivery of one event, and the one table that says what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Delivered:
    """The far end has it."""


@dataclass(frozen=True)
class Retry:
    """The far end may take it later.

    `after` is the wait that the far end asked for, seconds; `None` leaves it to the backoff.
    `alone` asks for the next attempt with this event by itself.
    """

    why: str
    after: float | None = None
    alone: bool = False


@dataclass(frozen=True)
class Rejected:
    """The far end will never take it: it goes to the dead letters, with the reason."""

    why: str


Outcome = Union[Delivered, Retry, Rejected]


def outcome_of_status(status: int, text: str = "", after: float | None = None) -> Outcome:
    """The outcome that an HTTP status stands for.

    2xx is done; 408, 429 and 5xx may be retried; every other answer is final
    (rudder-server's router does the same).
    """
    if 200 <= status < 300:
        return Delivered()
    why = f"HTTP {status}: {text[:500]}" if text else f"HTTP {status}"
    if status in (408, 429) or status >= 500:
        return Retry(why, after)
    return Rejected(why)
