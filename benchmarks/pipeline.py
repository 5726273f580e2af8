"""From the log to committed DuckDB rows and sessions: events per CPU second, memory.

Run: `python benchmarks/pipeline.py [--events 100000] [--web | --wide] [--without-sessions]
[--peer dlt --peer-python ~/venv-of-dlt/bin/python] [--profile]`.
Two kinds of events: `web`, 1 KB as RudderStack's JavaScript SDK sends them, and `wide`, 2 KB with
60 columns in 8 tables. Requests of `--batch` events are put into the log first; then the processor
and the loader work them off, the loader twice: without and with the session model. Each is
measured by the CPU time of this process. The floor: DuckDB reads the same events with its own JSON
reader, told the types, into memory and into a file. The peer: dlt (PyPI), in an environment of its
own, loads the same events into a DuckDB file of its own, merged by `messageId`.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import random
import resource
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from sojourn.app.collector import calm_collector
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
        self.what, self.events, self.cpu, self.wall = what, events, 0.0, 0.0

    def __enter__(self) -> Meter:
        self._start = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        cpu, wall = self._start
        self.cpu, self.wall = time.process_time() - cpu, time.perf_counter() - wall
        print(
            f"  {self.what:<34} {self.events / self.cpu:>9,.0f} events/CPU s"
            f"  {self.cpu / self.events * 1e6:>6.1f} µs CPU each  {self.wall:>6.2f} s wall"
        )


async def fill(log: SqliteLog, kind: str, total: int, per_request: int) -> None:
    """Put the requests into the log."""
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


async def load(log: SqliteLog, file: Path, total: int, lot: int, sessions: bool) -> Meter:
    """Load all events into tables of their own; the time that it took."""
    tables = DuckDBTables(file, lambda _: SOURCE, session_model() if sessions else None)
    loader = Loader(log, tables, Clock(), name=file.stem, catch_up_bytes=lot)
    with Meter("loader, rows and sessions" if sessions else "loader, rows alone", total) as loading:
        await loader.drain()
    counts = loader.counts
    assert (counts.events, counts.duplicates, counts.aside) == (total, 0, 0)
    with Meter("  its last checkpoint", total):
        tables.close()
    return loading


async def measure(kind: str, options: argparse.Namespace, folder: Path) -> None:
    """Fill a log, work it off, compare with the floor and the peer."""
    total: int = options.events
    log = SqliteLog(folder / "log.db")
    state = SqliteStateStore(folder / "state.db", Clock())
    await fill(log, kind, total, options.batch)
    with Meter("processor", total) as processing:
        assert await Processor(log, state, Clock()).drain() == total
    rows = await load(log, folder / "rows.duckdb", total, options.lot, sessions=False)
    if not options.without_sessions:
        both = await load(log, folder / "both.duckdb", total, options.lot, sessions=True)
        print(f"  processor and loader: {total / (processing.cpu + both.cpu):,.0f} events/CPU s")
    print(f"  peak memory of this process: {peak_mb():,.0f} MB")
    lines = folder / "events.jsonl"
    await write_lines(log, lines)
    types = types_of(lines)
    for where in ("memory", "file"):
        with Meter(f"floor: DuckDB reads JSON, into {where}", total) as floor:
            read_as_typed_json(lines, types, folder / "floor.duckdb" if where == "file" else None)
        print(
            f"  rows alone ÷ floor: {rows.cpu / floor.cpu:.1f} × the CPU,"
            f" {rows.wall / floor.wall:.1f} × the time"
        )
    if options.peer:
        run_peer(options.peer_python, lines, folder / "peer.duckdb", total, rows)
    await log.close()
    state.close()


def peak_mb() -> float:
    """The most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_peer(python: str, lines: Path, target: Path, total: int, ours: Meter) -> None:
    """Let dlt load the same events, and compare."""
    script = Path(__file__).parent / "peers" / "dlt_into_duckdb.py"
    done = subprocess.run(
        [python, script, lines, target], check=True, capture_output=True, text=True
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    print(
        f"  {theirs['name']:<34} {total / theirs['cpu']:>9,.0f} events/CPU s"
        f"  {theirs['cpu'] / total * 1e6:>6.1f} µs CPU each  {theirs['wall']:>6.2f} s wall"
    )
    print(
        f"  dlt ÷ rows alone: {theirs['cpu'] / ours.cpu:.1f} × the CPU,"
        f" {theirs['wall'] / ours.wall:.1f} × the time"
    )


async def write_lines(log: SqliteLog, path: Path) -> None:
    """Write the events stream as JSON lines."""
    reader = log.reader(EVENTS, "benchmark")
    with path.open("wb") as file:
        while entries := await reader.read(4 << 20, 0):
            for entry in entries:
                file.writelines(line + b"\n" for line in unpack_events(entry.value).events)
            await reader.commit({entry.partition: entry.offset for entry in entries})


def read_as_typed_json(lines: Path, types: dict[str, str], file: Path | None) -> None:
    """The same events, the same leaves, one table, by DuckDB alone."""
    connection = duckdb.connect(str(file) if file else ":memory:")
    connection.execute(
        "CREATE TABLE events AS"
        f" SELECT * FROM read_json(?, format = 'newline_delimited', columns = {types})",
        [str(lines)],
    )
    connection.close()


def types_of(lines: Path) -> dict[str, str]:
    """The types of the events' fields, as DuckDB finds them out."""
    described = duckdb.execute(
        "DESCRIBE SELECT * FROM read_json(?, format = 'newline_delimited', sample_size = 20000)",
        [str(lines)],
    ).fetchall()
    return {row[0]: row[1] for row in described}


def main() -> None:
    """Measure one kind or both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--lot", type=int, default=32 << 20, help="bytes per load")
    parser.add_argument("--web", dest="kinds", action="append_const", const="web")
    parser.add_argument("--wide", dest="kinds", action="append_const", const="wide")
    parser.add_argument("--without-sessions", action="store_true")
    parser.add_argument("--peer", choices=("dlt",))
    parser.add_argument("--peer-python", help="the interpreter that has the peer installed")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if options.peer and not options.peer_python:
        parser.error("--peer needs --peer-python")
    calm_collector()  # as the server does
    for kind in options.kinds or ["web", "wide"]:
        with tempfile.TemporaryDirectory() as folder:
            work = measure(kind, options, Path(folder))
            if options.profile:
                profile = cProfile.Profile(time.thread_time)
                profile.runcall(asyncio.run, work)
                pstats.Stats(profile).sort_stats("tottime").print_stats(25)
            else:
                asyncio.run(work)


if __name__ == "__main__":
    main()
