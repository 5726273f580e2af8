"""From events to committed rows in PostgreSQL: events a second, beside dlt where it is installed.

Run: `python benchmarks/warehouses.py [--events 60000] [--lot 15000]`.
Events are those of `benchmarks/pipeline.py`: `wide`, 2 KB with 60 columns in 8 tables. A server
is started for the run (fsync off, as in tests). The floor: COPY of the same rows, already turned
into CSV, into tables without an index. dlt (PyPI) loads the same decoded events into the same
server if it can be imported; it is not a dependency.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg

from pipeline import SOURCE, START, event, iso
from sojourn.core.ports import Batch
from sojourn.testing.postgres_server import PostgresServer, postgres_server
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables


def stored_events(total: int, wide: bool) -> Iterator[bytes]:
    """Events as they lie in the log."""
    dice = random.Random(7)
    for number in range(total):
        one = event(number, wide, dice)
        at = iso(START + number * 40)
        one |= {"receivedAt": at, "timestamp": at, "request_ip": "203.0.113.9", "rudderId": "r"}
        yield json.dumps(one, separators=(",", ":")).encode()


def lots(lines: Sequence[bytes], size: int) -> Iterator[Batch]:
    """The events in loads."""
    for start in range(0, len(lines), size):
        yield Batch(SOURCE.id, START, lines[start : start + size])


def timed(what: str, count: int, work: Callable[[], Any]) -> float:
    """Seconds that `work` takes; prints events a second."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"  {what:<34} {count / wall:>9,.0f} events/s  {wall:>6.2f} s, {cpu:.2f} s CPU here")
    return wall


def load(url: str, lines: Sequence[bytes], size: int) -> None:
    """With Sojourn."""
    tables = PostgresTables(PostgresEngine(url), lambda _: SOURCE)
    for batch in lots(lines, size):
        loaded = tables.load([batch])
        assert not loaded.aside
    tables.close()


def copy_again(url: str) -> None:
    """The floor: what is in the tables through COPY alone, into tables of the same columns."""
    with psycopg.connect(url, autocommit=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'web'"
        ).fetchall()
        for (name,) in names:
            with connection.cursor() as cursor:
                with cursor.copy(f'COPY web."{name}" TO STDOUT (FORMAT csv)') as source:
                    blocks = list(source)
                cursor.execute(f'CREATE TABLE public."{name}" (LIKE web."{name}")')
                with cursor.copy(f'COPY public."{name}" FROM STDIN (FORMAT csv)') as target:
                    for block in blocks:
                        target.write(block)


def load_with_dlt(url: str, lines: Sequence[bytes]) -> None:
    """With dlt: the decoded events as one resource, nested objects flattened."""
    import dlt

    pipeline = dlt.pipeline(
        "floor",
        destination=dlt.destinations.postgres(url),
        dataset_name="dlt",
        dev_mode=True,
    )
    pipeline.run(
        (json.loads(line) for line in lines),
        table_name="events",
        write_disposition="merge",
        primary_key="messageId",
    )


def measure(server: PostgresServer, total: int, size: int) -> None:
    """Load, load again, and compare."""
    lines = list(stored_events(total, wide=True))
    width = sum(map(len, lines)) / total
    print(f"PostgreSQL: {total:,} events of {width:,.0f} bytes, {size:,} a load")
    ours = timed("Sojourn, new events", total, lambda: load(server.url, lines, size))
    timed("Sojourn, the same again", total, lambda: load(server.url, lines, size))
    floor = timed("floor: COPY out and in of the rows", total, lambda: copy_again(server.url))
    print(f"  Sojourn ÷ floor: {ours / floor:.1f} ×")
    if importlib.util.find_spec("dlt"):
        theirs = timed("dlt", total, lambda: load_with_dlt(server.url, lines))
        print(f"  dlt ÷ Sojourn: {theirs / ours:.1f} ×")
    else:
        print("  dlt is not installed")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of this process {peak:,.0f} MB")


def main() -> None:
    """Start a server and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--lot", type=int, default=15_000, help="events per load")
    arguments = parser.parse_args()
    with postgres_server() as server:
        measure(server, arguments.events, arguments.lot)


if __name__ == "__main__":
    main()
