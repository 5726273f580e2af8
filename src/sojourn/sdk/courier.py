"""Delivers one batch: builds the request, reads the answer, halves what the server refuses."""

from __future__ import annotations

import base64
import gzip
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from sojourn.core.errors import SojournError
from sojourn.core.ports import Clock, Transport
from sojourn.sdk.ids import iso_ms
from sojourn.sdk.options import Delivery
from sojourn.sdk.verdicts import SENT, Verdict, backoff, judge
from sojourn.sdk.version import VERSION

PATH = "/v1/batch"
MAX_BATCH_BYTES = 3 << 20
"""The data plane takes 4,096,000 bytes a request, the wrapping included."""
_LEVEL = 1  # of compression: 3 would take twice the time for 7 % less


class DeliveryError(SojournError):
    """Events were not accepted by the server."""

    def __init__(self, reason: str, events: Sequence[bytes], status: Optional[int] = None) -> None:
        super().__init__(f"{reason} ({len(events)} events)")
        self.reason = reason
        self.status = status
        """The HTTP status, if there was an answer."""
        self.events = tuple(event + b"}" for event in events)
        """The events as JSON texts."""


class Request(NamedTuple):
    """One request to the data plane, relative to its URL."""

    path: str
    headers: dict[str, str]
    body: bytes


class Courier:
    """How batches of one client become requests, and what their answers mean."""

    def __init__(self, write_key: str, delivery: Delivery, clock: Clock) -> None:
        self._delivery = delivery
        self._clock = clock
        key = base64.b64encode(f"{write_key}:".encode()).decode("ascii")
        self._headers = {
            "Authorization": f"Basic {key}",
            "Content-Type": "application/json",
            "User-Agent": f"sojourn-python/{VERSION}",
        }
        if delivery.gzip:
            self._headers["Content-Encoding"] = "gzip"

    def body(self, events: Sequence[bytes]) -> bytes:
        """The JSON text of a batch that is sent now. Each event carries the time of sending,
        since the data plane reads nothing outside the events."""
        sent_at = f',"sentAt":"{iso_ms(self._clock.now_ms())}"}}'.encode("ascii")
        return b'{"batch":[' + (sent_at + b",").join(events) + sent_at + b"]}"

    def request(self, events: Sequence[bytes]) -> Request:
        """The request for a batch that is sent now."""
        body = self.body(events)
        if self._delivery.gzip:
            body = gzip.compress(body, _LEVEL, mtime=0)
        return Request(PATH, self._headers, body)

    def attempt(self, events: Sequence[bytes], transport: Transport) -> Verdict:
        """Send the events once. Whatever the network does is a reason to try again."""
        path, headers, body = self.request(events)
        try:
            answer = transport.send(path, headers, body, self._delivery.timeout)
        except Exception as error:  # a transport of the program's may raise anything
            return Verdict("retry", f"{type(error).__name__}: {error}")
        return read_answer(answer.status, answer.headers, answer.body, len(events))


def read_answer(status: int, headers: Mapping[str, str], body: bytes, events: int) -> Verdict:
    """The verdict of an answer as a transport gives it."""
    if 200 <= status < 300:
        return SENT
    retry_after = next((v for k, v in headers.items() if k.lower() == "retry-after"), None)
    return judge(status, body[:1000].decode("utf-8", "replace"), retry_after, events)


class Shipment:
    """One batch on its way: what is left of it, what became of the rest, when to try again."""

    def __init__(self, events: Sequence[bytes], delivery: Delivery) -> None:
        self._parts: list[Sequence[bytes]] = [events]
        self._delivery = delivery
        self._attempts = 0
        self._began = time.monotonic()
        self.sent = 0
        self.rejected: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    @property
    def next_part(self) -> Optional[Sequence[bytes]]:
        """The events to send next; `None`: it is done."""
        return self._parts[-1] if self._parts else None

    def take(self, verdict: Verdict, on_error: Callable[[DeliveryError], Any]) -> Optional[float]:
        """Take in the verdict on `next_part`. Returns the seconds to wait before going on."""
        part = self._parts.pop()
        if verdict.what == "sent":
            self.sent += len(part)
            self._attempts = 0
        elif verdict.what == "split":
            half = len(part) // 2
            self._parts += [part[half:], part[:half]]
        elif verdict.what == "reject":
            self.rejected[verdict.why] += len(part)
            on_error(DeliveryError(verdict.why, part))
        elif self._too_late():
            self.dropped[f"given up: {verdict.why}"] += len(part)
            on_error(DeliveryError(f"given up: {verdict.why}", part))
        else:
            self._parts.append(part)
            self._attempts += 1
            pause = backoff(self._attempts, self._delivery.max_backoff)
            return pause if verdict.after is None else verdict.after
        return None

    def _too_late(self) -> bool:
        limit = self._delivery.retry_for
        return limit is not None and time.monotonic() - self._began >= limit
