"""From the 200 to the row: how long until an acknowledged event is in the tables, sessions too.

Run: `python benchmarks/latency.py [--events 30]`. A server in a process of its own; one event
after another, each looked for in `session_events` until it is there. The floor is the time that
looking alone takes.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SOJOURN = Path(sys.executable).with_name("sojourn")
KEY = "latency-key-0123456789"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=30)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [SOJOURN, "serve", "--port", "0", "--data-dir", folder],
            env={"SOJOURN_WRITE_KEY": KEY, "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
        )
        try:
            measure(Path(folder), events)
        finally:
            server.terminate()
            server.wait()


def measure(folder: Path, events: int) -> None:
    """Post, look, print the distribution of both."""
    while not (folder / "serve.json").exists():
        time.sleep(0.05)
    running = json.loads((folder / "serve.json").read_text())
    looks, waits = [], []
    for number in range(events):
        post(running["url"], f"m-{number}")
        start = time.perf_counter()
        while True:
            looked = time.perf_counter()
            found = is_there(running, f"m-{number}")
            looks.append(time.perf_counter() - looked)
            if found:
                break
        waits.append(time.perf_counter() - start)
    for name, values in (("200 to row", waits), ("one look", looks)):
        ordered = sorted(values)
        print(
            f"{name:12} p50 {statistics.median(ordered) * 1000:7.0f} ms   "
            f"p90 {ordered[int(len(ordered) * 0.9)] * 1000:7.0f} ms   "
            f"worst {ordered[-1] * 1000:7.0f} ms"
        )


def post(url: str, message_id: str) -> None:
    """One track event, acknowledged."""
    body = json.dumps({"event": "Tick", "anonymousId": "a", "messageId": message_id})
    key = base64.b64encode(f"{KEY}:".encode()).decode()
    request = urllib.request.Request(
        f"{url}/v1/track", body.encode(), {"Authorization": f"Basic {key}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def is_there(running: dict[str, str], message_id: str) -> bool:
    """Whether the event has its row and its session."""
    statement = f"SELECT session_key FROM session_events WHERE message_id = '{message_id}'"
    request = urllib.request.Request(
        f"{running['url']}/control/sql",
        statement.encode(),
        {"Authorization": f"Bearer {running['token']}"},
    )
    with urllib.request.urlopen(request) as answer:
        return bool(json.load(answer)["rows"])


if __name__ == "__main__":
    main()
