"""Sessions and reports against a floor measured in the same run.

    python benchmarks/insights.py [--events 1000000] [--directory DIR]

Prints: a full rebuild beside a plain DuckDB window query over the same events, 100,000 new events
merged into two lengths of history, every report, and the scan for problems; with `--peer-python`
Retentioneering's transition matrix and step paths, too.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from sojourn.app.collector import calm_collector
from sojourn.core.source import Source
from sojourn.insights.redefine import rebuild
from sojourn.insights.reports import Reports
from sojourn.insights.sessions import SessionModel
from sojourn.warehouse.intake import Decoded

HERE = Path(__file__).parent
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOW_MS = int((BEGIN + timedelta(days=61)).timestamp() * 1000)
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"
)
WHOLE = {"from": "2026-01-01", "to": "2026-03-04"}
QUESTIONS: list[tuple[str, dict[str, str]]] = [
    ("overview", {"compare": "device=mobile"}),
    ("trend", {}),
    ("breakdown", {"by": "channel"}),
    ("breakdown", {"by": "entry_page"}),
    ("sessions", {}),
    ("live", {"open": "2026-02-10T12:00:00Z"}),
    ("journeys", {}),
    ("journeys", {"events": "all", "anchor": "Product Added"}),
    ("transitions", {}),
    ("funnel", {"steps": "Product Added|Checkout Started|Order Completed"}),
    ("retention", {"unit": "week", "steps": "8"}),
    ("friction", {}),
    ("opportunities", {}),
    ("health", {}),
    ("differences", {}),
    ("problems", {}),
]


def queries() -> dict[str, str]:
    """The queries beside this file."""
    text = Path(__file__).with_suffix(".sql").read_text()
    parts = re.split(r"^-- name: (\w+)\s*$", text, flags=re.MULTILINE)
    return {
        name: sql.strip().rstrip(";") for name, sql in zip(parts[1::2], parts[2::2], strict=True)
    }


SQL = queries()


@contextmanager
def history(directory: str, events: int) -> Iterator[tuple[Any, SessionModel]]:
    """A warehouse with that many events, not yet made into sessions."""
    connection = duckdb.connect(f"{directory}/{events}.duckdb")
    connection.execute("SET memory_limit = '3GB'")  # of 4 GB for the whole process
    connection.execute("SET threads = 2")
    model = SessionModel(lambda source_id: Source(source_id, source_id, "key"))
    model.update(connection, "shop", new_events(1, 8))
    connection.execute("DELETE FROM session_events")
    connection.execute("DELETE FROM sessions")
    connection.execute(SQL["fill"], {"events": events})
    connection.execute("CHECKPOINT")
    yield connection, model
    connection.close()


def new_events(people: int, count: int) -> list[dict[str, Any]]:
    """Decoded events of the hour after history, of the same people, eight to a session."""
    chance = random.Random(count)
    events: list[dict[str, Any]] = []
    hour = BEGIN + timedelta(days=60)
    while len(events) < count:
        at = hour + timedelta(seconds=chance.random() * 3600)
        who, sid = f"visitor-{chance.randrange(people)}", int(at.timestamp() * 1000)
        for step in range(8):
            text = (at + timedelta(seconds=20 * step)).isoformat(timespec="milliseconds")
            text = text.replace("+00:00", "Z")
            events.append({
                "type": "track" if step % 3 == 2 else "page", "event": "Product Added",
                "messageId": f"new-{count}-{len(events)}", "anonymousId": who, "userId": "",
                "timestamp": text, "receivedAt": text, "sentAt": text, "originalTimestamp": text,
                "channel": "web", "properties": {"price": 3},
                "context": {
                    "sessionId": sid, "sessionStart": step == 0, "userAgent": AGENT,
                    "library": {"name": "RudderLabs JavaScript SDK", "version": "3"},
                    "page": {"url": f"https://shop.example/p{chance.randrange(200)}"},
                },
            })  # fmt: skip
    return events


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def rebuilding(connection: Any, events: int) -> None:
    """The rebuild beside the floor."""

    def plain() -> None:
        connection.execute(SQL["plain_events"])
        connection.execute(SQL["plain_sessions"])

    def whole() -> None:
        connection.execute("BEGIN")
        rebuild(connection)
        connection.execute("COMMIT")

    first = timed(whole)
    connection.execute("CHECKPOINT")
    floor, again = timed(plain), timed(whole)
    connection.execute("DROP TABLE plain_events")
    [[sessions]] = connection.execute("SELECT count(*) FROM sessions").fetchall()
    print(f"\nfull rebuild of {events:,} events, {sessions:,} sessions (wall s, CPU s)")
    print(f"  plain window query   {floor[0]:8.2f} {floor[1]:8.2f}")
    print(
        f"  rebuild              {again[0]:8.2f} {again[1]:8.2f}   {again[0] / floor[0]:.2f} x wall"
    )
    print(f"  first time, with writing every event's session {first[0]:.2f} {first[1]:.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  peak memory of the process so far {peak:.2f} GB")


def merging(connection: Any, model: SessionModel, events: int, count: int = 100_000) -> float:
    """New events, as the loader gives them, into history; wall seconds."""
    arriving = Decoded([msgspec.json.encode(one) for one in new_events(events // 40, count)])
    connection.execute("CHECKPOINT")  # what a rebuild left to write is not the merge's

    def merge() -> None:
        connection.execute("BEGIN")
        model.update(connection, "shop", arriving)
        connection.execute("COMMIT")

    wall, cpu = timed(merge)
    print(f"  {count:,} new events into {events:,}: {wall:.2f} s wall, {cpu:.2f} s CPU")
    return wall


def reporting(connection: Any) -> None:
    """Every report over all of history."""
    reports = Reports(connection.cursor, lambda: NOW_MS)
    print("\nreports over all of history (wall s)")
    for name, question in QUESTIONS:
        wall, _ = timed(
            lambda name=name, question=question: reports.run(name, {**WHOLE, **question})
        )
        told = " ".join(f"{key}={text}" for key, text in question.items())
        print(f"  {wall:7.2f}  {name} {told}")


def rivalling(connection: Any, python: str, directory: str) -> None:
    """Transition matrix and step paths beside Retentioneering's, sessions as paths."""
    path = f"{directory}/paths.parquet"
    connection.execute(SQL["write_paths"].format(path=path))
    printed = subprocess.run(
        [python, HERE / "peers" / "retentioneering_paths.py", path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    theirs = json.loads(next(line for line in printed.splitlines() if line.startswith("{")))
    reports = Reports(connection.cursor, lambda: NOW_MS)
    questions = {"transitions": "transitions", "steps": "journeys"}
    print("\nsessions as paths, beside Retentioneering (wall s)")
    for what, name in questions.items():
        asked = {**WHOLE, "events": "all"}
        ours, _ = timed(lambda name=name, asked=asked: reports.run(name, asked))
        print(f"  {what}: {theirs[what]:.2f}, here {ours:.2f}: {theirs[what] / ours:.1f} x")


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--directory", default=None, help="where the database is made")
    parser.add_argument("--peer-python", help="a Python that has retentioneering")
    asked = parser.parse_args()
    calm_collector()  # as the server does
    with tempfile.TemporaryDirectory(dir=asked.directory) as directory:
        print("merging")
        small = max(asked.events // 10, 10_000)
        with history(directory, small) as (connection, model):
            rebuild(connection)
            short = merging(connection, model, small)
        with history(directory, asked.events) as (connection, model):
            rebuilding(connection, asked.events)
            reporting(connection)
            if asked.peer_python:
                rivalling(connection, asked.peer_python, directory)
            long = merging(connection, model, asked.events)
            print(f"  ten times the history takes {long / short:.2f} x the time")


if __name__ == "__main__":
    main()
