"""Readers that wait for a stream, and the thread that wakes them."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable


class Wakeups:
    """Futures of waiting readers by stream. Thread-safe; each future wakes in its own loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def ticket(self, stream: str) -> asyncio.Future[None]:
        """A future that is done at the next append to `stream`.

        Take it before looking for entries: an append in between is not missed then.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting[stream].add(future)
        return future

    def give_back(self, stream: str, ticket: asyncio.Future[None]) -> None:
        """The reader no longer waits."""
        with self._lock:
            self._waiting[stream].discard(ticket)

    def wake(self, streams: Iterable[str]) -> None:
        """Wake all readers that wait for one of `streams`. From any thread."""
        for stream in streams:
            if not self._waiting.get(stream):
                continue
            with self._lock:
                tickets, self._waiting[stream] = self._waiting[stream], set()
            for ticket in tickets:
                call_in_loop(ticket.get_loop(), _finish, ticket)


def call_in_loop(loop: asyncio.AbstractEventLoop, function: object, *args: object) -> None:
    """Run `function` in `loop`; does nothing where the loop is gone."""
    try:
        loop.call_soon_threadsafe(function, *args)  # type: ignore[arg-type]
    except RuntimeError:
        if not loop.is_closed():
            raise


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
