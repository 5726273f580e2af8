"""Appends of 100 events a second: the log on NATS against the log in SQLite.

Both sync each commit to disk, where the nats-server can (2.10 or later; SOJOURN_NATS_SERVER names
another one than that on the path), and both put whatever waits into one commit. `fsync` is the
floor: the same bytes written to a file and synced, one append after another.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sojourn.core.ports import RAW, Entry, EventLog
from sojourn.log import SqliteLog
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.testing.nats_server import nats_server

EVENTS = 100
SECONDS = 2.0
WRITERS = (1, 32)


def body() -> bytes:
    """A batch of 100 events, about 30 kB."""
    event = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "0f7f1b0e-52a1-4d5b-9e0b-0f4e3c1d2b3a",
        "anonymousId": "6a1c7d2e-8f4b-4c55-9a3e-2b1d0c9e8f7a",
        "properties": {"sku": "A-100", "price": 12.5, "currency": "EUR"},
        "context": {"page": {"url": "https://shop.example/products/a-100"}},
    }
    return json.dumps({"batch": [event] * EVENTS}).encode()


async def appended(log: EventLog, writers: int) -> float:
    """Appends a second, by so many writers that each wait for their own."""
    entry = (Entry("key", body()),)
    end = time.perf_counter() + SECONDS
    done = 0

    async def write() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await log.append(RAW, entry)
            done += 1

    start = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(writers)))
    return done / (time.perf_counter() - start)


async def read(log: EventLog) -> float:
    """Entries a second, read from the start."""
    reader = log.reader(RAW, "")
    start, entries = time.perf_counter(), 0
    while found := await reader.read(8 << 20, 0):
        entries += len(found)
    return entries / (time.perf_counter() - start)


def synced(folder: Path) -> float:
    """The floor: appends a second to a file, each synced."""
    value, done = body(), 0
    start = time.perf_counter()
    with (folder / "floor").open("ab", buffering=0) as file:
        while time.perf_counter() < start + SECONDS:
            file.write(value)
            os.fdatasync(file.fileno())
            done += 1
    return done / (time.perf_counter() - start)


async def measured(open_log: Callable[[], EventLog]) -> dict[str, float]:
    """All figures of one log."""
    log = open_log()
    figures = {f"{n} writers": await appended(log, n) for n in WRITERS}
    figures["read"] = await read(log)
    await log.close()
    return figures


def main() -> None:
    """Print a table of both, and their ratio."""
    with tempfile.TemporaryDirectory() as name, nats_server() as server:
        folder = Path(name)
        figures = {
            "sqlite": asyncio.run(measured(lambda: SqliteLog(folder / "log.db"))),
            "nats": asyncio.run(measured(lambda: NatsLog(NatsServer.of(server.url)))),
        }
        print(f"nats-server {'.'.join(map(str, server.version))}; fsync floor: ", end="")
        print(f"{synced(folder):,.0f} appends/s of {len(body()):,} bytes ({EVENTS} events)")
    print(f"{'':12}{'sqlite':>12}{'nats':>12}{'nats/sqlite':>14}")
    for what, sqlite in figures["sqlite"].items():
        nats = figures["nats"][what]
        print(f"{what:12}{sqlite:10,.0f}/s{nats:10,.0f}/s{nats / sqlite:14.2f}")


if __name__ == "__main__":
    main()
