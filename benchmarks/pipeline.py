"""From the log to committed DuckDB rows and sessions: events per CPU second, memory.

Run: `python benchmarks/pipeline.py [--events 100000] [--batch 100] [--profile]`.
Two kinds of events: `web`, 1 KB as RudderStack's JavaScript SDK sends them, and `wide`, 2 KB with
60 columns in 8 tables. Requests of `--batch` events are put into the log first; then processor
and loader work them off, each measured by the CPU time of this process. The floor: DuckDB reading
the processed events with its own JSON reader, typed, into tables of the same columns.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from sojourn.core.envelope import RequestMeta, pack_request, unpack_events
from sojourn.core.ports import EVENTS, RAW, Entry, SessionModel
from sojourn.core.source import Source
from sojourn.log import SqliteLog, SqliteStateStore
from sojourn.pipeline.loader import Loader
from sojourn.pipeline.processor import Processor
from sojourn.warehouse.duckdb import DuckDBTables

START = 1_795_518_460_000
SOURCE = Source("web", "Web", "key")
NAMES = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Searched")


class Clock:
    """The wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


def iso(at: int) -> str:
    """A time as SDKs write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + f".{at % 1000:03d}Z"


def event(number: int, wide: bool, dice: random.Random) -> dict[str, Any]:
    """One event of a visitor; every 20 events are a session."""
    visitor = number // 20
    at = iso(START + number * 40)
    kind = ("page", "track", "track", "track", "identify")[number % 5] if wide else "track"
    name = NAMES[number % len(NAMES)]
    page = f"https://shop.example.com/products/{number % 997}"
    properties: dict[str, Any] = {
        "sku": f"sku-{number % 997}",
        "price": number % 9000 / 100 + 0.005,
    }
    if wide:
        properties |= {f"property_{n}": f"{n} {dice.getrandbits(160):040x}" for n in range(14)}
        properties |= {f"number_{n}": number % (7 + n) for n in range(8)}
    context = {
        "app": {"name": "Shop", "namespace": "com.example.shop", "version": "3.34.1"},
        "library": {"name": "RudderLabs JavaScript SDK", "version": "3.34.1"},
        "locale": "en-US",
        "timezone": "GMT+0200",
        "screen": {"density": 2, "width": 1512, "height": 982, "innerWidth": 1400 + number % 100},
        "page": {
            "path": f"/products/{number % 997}",
            "referrer": "https://www.google.com/",
            "title": f"Product {number % 997}",
            "url": page,
            "tab_url": page,
            "initial_referrer": "$direct",
        },
        "campaign": {"source": "newsletter", "medium": "email", "name": "summer"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/125.0.0.0",
        "sessionId": START + visitor * 800,
        "traits": {},
    }
    if number % 20 == 0:
        context["sessionStart"] = True
    return {
        "type": kind,
        "channel": "web",
        "messageId": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        "anonymousId": str(uuid.UUID(int=visitor, version=4)),
        "userId": f"user-{visitor % 4000}" if kind == "identify" else "",
        "originalTimestamp": at,
        "sentAt": at,
        "context": context,
        "integrations": {"All": True},
        **({"event": name} if kind == "track" else {}),
        **({"traits": properties} if kind == "identify" else {"properties": properties}),
    }


def requests(total: int, per_request: int, wide: bool) -> Iterator[Entry]:
    """The raw stream's entries."""
    dice = random.Random(7)
    for first in range(0, total, per_request):
        batch = [event(n, wide, dice) for n in range(first, min(first + per_request, total))]
        body = json.dumps({"batch": batch}, separators=(",", ":")).encode()
        meta = RequestMeta(SOURCE.id, START + first * 40, "203.0.113.9", "batch", str(first))
        yield Entry(batch[0]["anonymousId"], pack_request(meta, body))


def session_model() -> SessionModel | None:
    """The real session model, where it is installed."""
    try:
        from sojourn.insights.sessions import SessionModel as Model
    except ImportError:
        return None
    model: SessionModel = Model(lambda _: SOURCE)
    return model


class Meter:
    """CPU and wall time of the block."""

    def __init__(self, what: str, events: int) -> None:
        self.what, self.events, self.cpu = what, events, 0.0

    def __enter__(self) -> Meter:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self._cpu
        wall = time.perf_counter() - self._wall
        print(
            f"  {self.what:<34} {self.events / self.cpu:>9,.0f} events/CPU s"
            f"  {self.cpu / self.events * 1e6:>6.1f} µs CPU each  {wall:>6.2f} s wall"
        )


async def measure(kind: str, total: int, per_request: int, lot: int, folder: Path) -> None:
    """Fill a log, work it off, compare with the floor."""
    log = SqliteLog(folder / "log.db")
    state = SqliteStateStore(folder / "state.db", Clock())
    tables = DuckDBTables(folder / "warehouse.duckdb", lambda _: SOURCE, session_model())
    size = 0
    lots: list[Entry] = []
    for entry in requests(total, per_request, kind == "wide"):
        size += len(entry.value)
        lots.append(entry)
        if len(lots) >= 100:
            await log.append(RAW, lots)
            lots = []
    await log.append(RAW, lots)
    print(f"{kind}: {total:,} events of {size / total:,.0f} bytes, {per_request} a request")
    processor, loader = Processor(log, state, Clock()), Loader(log, tables, Clock(), max_bytes=lot)
    with Meter("processor", total) as processing:
        assert await processor.drain() == total
    with Meter("loader", total) as loading:
        await loader.drain()
    rate = total / (processing.cpu + loading.cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  together: {rate:,.0f} events/CPU s; peak memory of this process {peak:,.0f} MB")
    counts = loader.counts
    assert (counts.events, counts.duplicates, counts.aside) == (total, 0, 0)
    lines = await stored_lines(log, folder / "events.jsonl")
    with Meter("floor: DuckDB's own JSON reader", lines) as floor:
        read_as_typed_json(folder, tables)
    print(f"  loader ÷ floor: {loading.cpu / floor.cpu:.1f} ×")
    tables.close()
    await log.close()
    state.close()


async def stored_lines(log: SqliteLog, path: Path) -> int:
    """Write the events stream as JSON lines; returns how many."""
    reader = log.reader(EVENTS, "benchmark")
    count = 0
    with path.open("wb") as file:
        while entries := await reader.read(4 << 20, 0):
            for entry in entries:
                events = unpack_events(entry.value).events
                count += len(events)
                file.writelines(line + b"\n" for line in events)
    return count


def read_as_typed_json(folder: Path, tables: DuckDBTables) -> None:
    """The same events, the same leaves, one table, by DuckDB alone."""
    connection = duckdb.connect(str(folder / "floor.duckdb"))
    connection.execute(
        "CREATE TABLE events AS SELECT * FROM read_json(?, format = 'newline_delimited')",
        [str(folder / "events.jsonl")],
    )
    connection.close()


def main() -> None:
    """Measure both kinds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--lot", type=int, default=8 << 20, help="bytes per load")
    parser.add_argument("--kind", choices=("web", "wide"))
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    for kind in [arguments.kind] if arguments.kind else ["web", "wide"]:
        with tempfile.TemporaryDirectory() as folder:
            work = measure(kind, arguments.events, arguments.batch, arguments.lot, Path(folder))
            if arguments.profile:
                profile = cProfile.Profile()
                profile.runcall(asyncio.run, work)
                pstats.Stats(profile).sort_stats("tottime").print_stats(25)
            else:
                asyncio.run(work)


if __name__ == "__main__":
    main()
