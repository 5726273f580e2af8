"""Logs on NATS, and what is in them."""

from __future__ import annotations

from collections.abc import Callable

from sojourn.log.nats_log import NatsLog

OpenIt = Callable[..., NatsLog]


async def there(log: NatsLog) -> list[bytes]:
    reader = log.reader("raw", "")
    found: list[bytes] = []
    while entries := await reader.read(1 << 20, 0):
        found += [entry.value for entry in entries]
    return found
