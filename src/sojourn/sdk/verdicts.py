"""What an answer of the data plane means for the batch that it answers, and how long to wait."""

from __future__ import annotations

import random
from typing import NamedTuple, Optional

MAX_RETRY_AFTER = 300.0
"""Seconds; a server that asks for more is asked again after this long."""
FIRST_BACKOFF = 0.5
_chance = random.Random()  # of our own: programs seed the common one and count on it


class Verdict(NamedTuple):
    """What follows: `sent`, `retry`, `split` (send it in two halves) or `reject`."""

    what: str
    why: str = ""
    after: Optional[float] = None
    """Seconds that the server asked to wait."""


SENT = Verdict("sent")


def judge(status: int, text: str, retry_after: Optional[str], events: int) -> Verdict:
    """The meaning of an answer to a batch of so many events.

    2xx: the server has it. 408, 429 and 5xx pass; so does a redirect, which is a mistake in the
    set-up rather than in the events. A batch that is too large (413) or has a bad member (400,
    422: all or nothing) is sent again in halves, so that only the bad event is lost. Everything
    else is final. Source: how RudderStack's gateway answers, and how its SDKs take it.
    """
    if 200 <= status < 300:
        return SENT
    why = f"HTTP {status}: {text[:200].strip()}" if text.strip() else f"HTTP {status}"
    if status in (408, 425, 429) or status >= 500 or status < 400:
        return Verdict("retry", why, seconds_to_wait(retry_after))
    if status in (400, 413, 422) and events > 1:
        return Verdict("split", why)
    return Verdict("reject", why)


def seconds_to_wait(retry_after: Optional[str]) -> Optional[float]:
    """The seconds of a `Retry-After` header, which holds seconds or a date; `None` if neither."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        from email.utils import parsedate_to_datetime
        from time import time

        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time()
        except (TypeError, ValueError, OverflowError):
            return None
    if seconds != seconds:  # NaN
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def backoff(attempt: int, ceiling: float) -> float:
    """Seconds to wait after so many failed attempts (from 1): doubling, with a ceiling.

    A random tenth off keeps the clients of a server that comes back from arriving at once.
    """
    doubled = FIRST_BACKOFF * 2.0 ** min(attempt - 1, 30)
    return min(doubled, ceiling) * _chance.uniform(0.9, 1.0)
