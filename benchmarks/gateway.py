"""How fast the gateway takes events, against a bare ASGI app that stores them just as durably.

    python benchmarks/gateway.py --seconds 5

Both run on uvicorn in a process of their own and append to a SQLite log that syncs every
commit; the bare app decodes the ids in the body, which is the least that a JSON decoder can be
asked for, appends it and says `ok`, without authorization, checks or limits. The load is wrk's,
on the same machine: 64 connections, track events of 1 kB, one at a time and in batches of 100.
The two take turns; each figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

WRITE_KEY = "benchmark"
ROUNDS = 3
WRK_SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method, wrk.path, wrk.body = "POST", "{path}", file:read("*a")
file:close()
wrk.headers["Authorization"] = "{authorization}"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["AnonymousId"] = "MjlmZjg1N2UtMDZiYy00ODI5LTkxOTctOWYyZjM5MWU4YWFh"
function done(summary, latency, requests)
    local failed = summary.errors.status + summary.errors.read + summary.errors.timeout
    io.write(string.format('\\n{{"requests":%d,"us":%d,"failed":%d,"p50":%d,"p99":%d}}\\n',
        summary.requests, summary.duration, failed,
        latency:percentile(50), latency:percentile(99)))
end
"""


class Ids(msgspec.Struct, gc=False):
    """The ids of an event."""

    anonymousId: str = ""
    userId: str = ""


class Envelope(Ids):
    """An event, or a batch of them."""

    batch: list[Ids] = []


@dataclass
class Round:
    """One run of wrk against one server."""

    events_per_second: float
    cpu_us_per_event: float
    p50_ms: float
    p99_ms: float
    peak_mb: float


def track_event() -> dict[str, Any]:
    """A track event as the JavaScript SDK sends it, about 1 kB."""
    page = {
        "path": "/shop/shoes",
        "referrer": "https://www.example.com/search?q=shoes",
        "referring_domain": "www.example.com",
        "search": "?utm_source=newsletter",
        "title": "Shoes - Example Shop",
        "url": "https://shop.example.com/shop/shoes?utm_source=newsletter",
        "tab_url": "https://shop.example.com/shop/shoes?utm_source=newsletter",
        "initial_referrer": "$direct",
        "initial_referring_domain": "",
    }
    context = {
        "traits": {},
        "sessionId": 1795518454982,
        "app": {"name": "RudderLabs JavaScript SDK", "version": "3.34.1", "installType": "npm"},
        "library": {"name": "RudderLabs JavaScript SDK", "version": "3.34.1"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "os": {"name": "", "version": ""},
        "locale": "de-DE",
        "screen": {"width": 1280, "height": 720, "density": 1, "innerWidth": 1280},
        "campaign": {"source": "newsletter"},
        "page": page,
        "timezone": "GMT+0100",
    }
    return {
        "properties": {"sku": "A-1", "price": 12.5},
        "event": "Product Added",
        "type": "track",
        "channel": "web",
        "context": context,
        "originalTimestamp": "2026-11-24T11:07:35.041Z",
        "messageId": "b878c85f-fdb0-4c69-b3d3-a1933568af0e",
        "userId": "",
        "anonymousId": "29ff857e-06bc-4829-9197-9f2f391e8aaa",
        "integrations": {"All": True},
        "sentAt": "2026-11-24T11:07:35.042Z",
    }


def bare_app(log: Any) -> Any:
    """What no durable server can do without: read the body, decode it, append it, answer."""
    from sojourn.core.ports import RAW, Entry

    decode = msgspec.json.Decoder(Envelope).decode
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"text/plain"), (b"content-length", b"2")],
    }
    end = {"type": "http.response.body", "body": b"ok"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        chunks, more = [], True
        while more:
            message = await receive()
            chunks.append(message["body"])
            more = message["more_body"]
        body = b"".join(chunks)
        decode(body)
        await log.append(RAW, (Entry("key", body),))
        await send(start)
        await send(end)

    return app


def serve(kind: str, port: int, folder: Path) -> None:
    """Run one of the two servers until it is stopped, as `sojourn serve` runs its own."""
    import uvloop

    from sojourn.app.collector import calm_collector
    from sojourn.app.listening import Server, listen
    from sojourn.core.source import Source
    from sojourn.gateway import Gateway
    from sojourn.log import SqliteLog
    from sojourn.log.clock import WallClock

    log = SqliteLog(folder / "log.db")
    source = Source("source", "Benchmark", WRITE_KEY)
    app = bare_app(log) if kind == "bare" else Gateway({WRITE_KEY: source}.get, log, WallClock())
    calm_collector()
    with listen("127.0.0.1", port) as listener:
        uvloop.run(Server(app, lambda: None).serve(sockets=[listener]))


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(kind: str) -> Iterator[tuple[int, int]]:
    """A server of `kind`: its process id and port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, __file__, "--serve", kind, str(port), folder])
        try:
            deadline = time.monotonic() + 20
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if time.monotonic() > deadline or server.poll() is not None:
                    raise RuntimeError(f"the {kind} server did not start")
                time.sleep(0.05)
            yield server.pid, port
        finally:
            server.terminate()
            server.wait()


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that the process has held, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def load(pid: int, port: int, script: Path, events: int, options: argparse.Namespace) -> Round:
    """One round: wrk for the asked time, then what it and the kernel counted."""
    before = cpu_seconds(pid)
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "-s", str(script)]
    output = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True
    ).stdout
    result = json.loads(output.strip().splitlines()[-1])
    if result["failed"]:
        raise RuntimeError(f"{result['failed']} requests failed:\n{output}")
    count = result["requests"] * events
    return Round(
        count / result["us"] * 1e6,
        (cpu_seconds(pid) - before) / count * 1e6,
        result["p50"] / 1000,
        result["p99"] / 1000,
        peak_mb(pid),
    )


def median_round(rounds: list[Round]) -> Round:
    """The median of each figure."""
    names = Round.__annotations__
    return Round(**{name: median(getattr(it, name) for it in rounds) for name in names})


def write_script(folder: Path, events: int) -> Path:
    """wrk's script that posts `events` events at a time."""
    event = track_event()
    payload = event if events == 1 else {"batch": [event] * events}
    body = folder / f"body-{events}.json"
    body.write_text(json.dumps(payload, separators=(",", ":")))
    credentials = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    script = folder / f"post-{events}.lua"
    script.write_text(
        WRK_SCRIPT.format(
            body=body,
            path="/v1/track" if events == 1 else "/v1/batch",
            authorization=f"Basic {credentials}",
        )
    )
    return script


def compare(folder: Path, events: int, options: argparse.Namespace) -> None:
    """Measure both servers in turns and print their rows and ratio."""
    script = write_script(folder, events)
    rounds: dict[str, list[Round]] = {"bare": [], "gateway": []}
    for _ in range(ROUNDS):
        for kind in rounds:
            with running(kind) as (pid, port):
                rounds[kind].append(load(pid, port, script, events, options))
    result = {kind: median_round(of_kind) for kind, of_kind in rounds.items()}
    for kind, it in result.items():
        print(
            f"{events:>6}  {kind:<8} {it.events_per_second:>10,.0f} {it.cpu_us_per_event:>10.1f}"
            f" {it.p50_ms:>8.1f} {it.p99_ms:>8.1f} {it.peak_mb:>8.0f}"
        )
    ratio = result["gateway"].events_per_second / result["bare"].events_per_second
    print(f"{events:>6}  gateway / bare: {ratio:.2f}\n")


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of each round")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--serve", nargs=3, metavar=("KIND", "PORT", "FOLDER"))
    options = parser.parse_args()
    if options.serve:
        kind, port, folder = options.serve
        serve(kind, int(port), Path(folder))
        return
    if not shutil.which("wrk"):
        sys.exit("this needs wrk (apt install wrk)")
    print(f"{'events':>6}  {'server':<8} {'events/s':>10} {'CPU us':>10}", end="")
    print(f" {'p50 ms':>8} {'p99 ms':>8} {'peak MB':>8}   (CPU per event)")
    with tempfile.TemporaryDirectory() as folder:
        for events in (1, 100):
            compare(Path(folder), events, options)


if __name__ == "__main__":
    main()
