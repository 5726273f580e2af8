"""The memory of a whole server: gateway, processor, warehouse with sessions, console.

Run: `python benchmarks/memory.py [--rate 2000] [--seconds 30] [--burst 200000]`. `sojourn serve`
with an empty folder takes events of 1 kB as the JavaScript SDK sends them: one at a time at a
steady rate, then batches of 100 as fast as it answers; then it works off what is left, rests, and
shows the console's pages and reports. Of each stage: the resident memory at its end, its peak (the
kernel's own figure), what of it is the server's alone and not files that the kernel may drop, CPU
seconds, and what DuckDB says it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline import event

SOJOURN = Path(sys.executable).with_name("sojourn")
KEY = "memory-key-0123456789"
CREDENTIALS = base64.b64encode(f"{KEY}:".encode()).decode()
CONNECTIONS = 64
VISITORS = 1_000
"""At the same time; each has 20 events, one every so many."""
PAGES = ("/", "/sessions", "/journeys", "/funnels", "/retention", "/problems", "/breakdown")
REPORTS = ("overview", "trend", "transitions", "health")
HELD = "SELECT sum(memory_usage_bytes)::BIGINT AS held FROM duckdb_memory()"
STORED = "SELECT count(*) AS events FROM session_events"


class Memory:
    """What the kernel says about a server."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc") / str(pid)
        self._cpu = 0.0

    def begin(self) -> None:
        """A stage begins: its peak and its CPU time count from here."""
        (self._folder / "clear_refs").write_text("5")
        self._cpu = self._cpu_seconds()

    def resident(self) -> float:
        """All of its memory that is in RAM, MB."""
        return self._field("status", "VmRSS")

    def figures(self) -> tuple[float, float, float, float]:
        """Resident memory now and at its peak, and memory that is no file's, MB; CPU seconds."""
        return (
            self.resident(),
            self._field("status", "VmHWM"),
            self._field("status", "RssAnon"),
            self._cpu_seconds() - self._cpu,
        )

    def _field(self, file: str, name: str) -> float:
        text = (self._folder / file).read_text()
        return int(text.partition(f"{name}:")[2].split()[0]) * 1024 / 1e6

    def _cpu_seconds(self) -> float:
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """Asks a running server."""

    def __init__(self, running: dict[str, Any]) -> None:
        self.url: str = running["url"]
        self._token = running["token"]

    def ask(self, statement: str) -> int:
        """The one number that a SELECT gives."""
        answer = self.get("/control/sql", statement.encode())
        return int(json.loads(answer)["rows"][0][0])

    def get(self, path: str, body: bytes | None = None) -> bytes:
        """What is at a path."""
        headers = {"Authorization": f"Bearer {self._token}"} if body else {}
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            content: bytes = answer.read()
            return content

    def await_events(self, count: int) -> None:
        """Wait until so many events have their rows and sessions."""
        while self.ask(STORED) < count:
            time.sleep(0.25)


def events(first: int, count: int) -> Iterator[bytes]:
    """Events of visitors who come and go at the same time."""
    dice = random.Random(first)
    lot = VISITORS * 20
    for place in range(first, first + count):
        start, place = place - place % lot, place % lot
        number = start + place % VISITORS * 20 + place // VISITORS
        yield json.dumps(event(number, False, dice), separators=(",", ":")).encode()


def requests(first: int, count: int, batch: int) -> list[bytes]:
    """The bytes of HTTP requests with those events."""
    made = list(events(first, count))
    if batch == 1:
        path, bodies = "/v1/track", made
    else:
        path = "/v1/batch"
        parts = (made[start : start + batch] for start in range(0, count, batch))
        bodies = [b'{"batch":[' + b",".join(part) + b"]}" for part in parts]
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {CREDENTIALS}\r\n"
    return [f"{head}Content-Length: {len(it)}\r\n\r\n".encode() + it for it in bodies]


def send(url: str, first: int, count: int, batch: int, rate: float) -> None:
    """Send events, `rate` a second or as fast as they are answered; for a process of its own."""
    asyncio.run(_send(url, requests(first, count, batch), rate / batch))


async def _send(url: str, prepared: list[bytes], rate: float) -> None:
    waiting = iter(enumerate(prepared))
    start = time.perf_counter()

    async def one_after_another() -> None:
        target = urlsplit(url)
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        for number, request in waiting:
            if rate:
                await asyncio.sleep(start + number / rate - time.perf_counter())
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"the server refuses: {head.decode()}")
            await reader.readexactly(2)
        writer.close()

    await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))


class Course:
    """The stages, one after another, each a row of the table."""

    def __init__(self, pid: int, client: Client) -> None:
        self._memory = Memory(pid)
        self._client = client
        self.sent = 0
        print(f"{'':<34} {'MB':>6} {'peak':>6} {'own':>6} {'DuckDB':>7} {'CPU s':>7} {'s':>6}")

    def stage(self, name: str, work: Callable[[], Any]) -> None:
        """Do `work` and print what it took."""
        self._memory.begin()
        start = time.perf_counter()
        work()
        resident, peak, own, cpu = self._memory.figures()
        seconds = time.perf_counter() - start
        held = self._client.ask(HELD) / 1e6
        print(
            f"{name:<34} {resident:>6,.0f} {peak:>6,.0f} {own:>6,.0f} {held:>7,.0f}"
            f" {cpu:>7.1f} {seconds:>6.1f}",
            flush=True,
        )

    def send(self, count: int, batch: int, rate: float = 0) -> None:
        """Send that many new events from another process."""
        sending = multiprocessing.Process(
            target=send, args=(self._client.url, self.sent, count, batch, rate)
        )
        sending.start()
        sending.join()
        if sending.exitcode:
            raise RuntimeError("not all events were taken")
        self.sent += count


def measure(pid: int, client: Client, options: argparse.Namespace) -> None:
    """Go through all stages."""
    course = Course(pid, client)
    course.stage("started", lambda: time.sleep(2))
    steady = options.rate * options.seconds
    course.stage(
        f"{options.rate:,} single events a second", lambda: course.send(steady, 1, options.rate)
    )
    course.stage(f"burst of {options.burst:,} in batches", lambda: course.send(options.burst, 100))
    course.stage("working them off", lambda: client.await_events(course.sent))
    course.stage("at rest", lambda: time.sleep(options.rest))
    course.stage(f"{len(PAGES)} pages", lambda: [client.get(path) for path in PAGES])
    reports = [f"/api/reports/{name}" for name in REPORTS]
    course.stage(f"{len(reports)} reports", lambda: [client.get(path) for path in reports])
    course.stage(
        f"{options.rate:,} a second once more", lambda: course.send(steady, 1, options.rate)
    )
    course.stage("at rest", lambda: time.sleep(options.rest))


def main() -> None:
    """Start a server, load it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="single events a second")
    parser.add_argument("--seconds", type=int, default=30, help="how long at that rate")
    parser.add_argument("--burst", type=int, default=200_000, help="events as fast as possible")
    parser.add_argument("--rest", type=int, default=10, help="seconds of rest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [SOJOURN, "serve", "--port", "0", "--data-dir", folder, "--open-console"],
            env={**os.environ, "SOJOURN_WRITE_KEY": KEY},
            stdout=subprocess.DEVNULL,
        )
        try:
            place = Path(folder) / "serve.json"
            while not place.exists():
                if server.poll() is not None:
                    sys.exit("the server did not start")
                time.sleep(0.05)
            measure(server.pid, Client(json.loads(place.read_text())), options)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
