"""Ids and times as they stand on the wire, made cheaply."""

from __future__ import annotations

import os
import time

_POOL = 64
_VARIANT = "89ab" * 4
_pool: list[str] = []
_second: tuple[int, str] = (-1, "")


def new_id() -> str:
    """A random UUID (version 4) as text.

    Random bytes are fetched for many ids at once: one system call an id is a third of what an
    event costs. `forget_ids` must be called in a forked child.
    """
    while True:
        try:
            return _pool.pop()
        except IndexError:
            _fill()


def forget_ids() -> None:
    """Throw the stock of ids away: the parent of this process will use the same ones."""
    _pool.clear()


def _fill() -> None:
    digits = os.urandom(16 * _POOL).hex()
    _pool.extend(
        f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{_VARIANT[int(h[16], 16)]}{h[17:20]}-{h[20:]}"
        for h in (digits[i : i + 32] for i in range(0, 32 * _POOL, 32))
    )


class SystemClock:
    """The wall clock of this machine."""

    @staticmethod
    def now_ms() -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000


def iso_ms(ms: int) -> str:
    """A moment in Unix milliseconds as ISO 8601 in UTC: `2026-11-24T11:07:35.041Z`."""
    global _second
    seconds, rest = divmod(ms, 1000)
    known, text = _second
    if known != seconds:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        _second = (seconds, text)
    return f"{text}.{rest:03d}Z"
