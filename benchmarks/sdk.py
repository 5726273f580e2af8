"""The SDK beside its peers: same payload, same server, same run.

    python benchmarks/sdk.py --rounds 3 [--peers DIR | --no-peers]

Each figure comes from a process of its own; the server is a process of its own too, answers at
once and counts afterwards. The peers are installed into a throw-away environment, or into the
one that `--peers` names, which is kept. For events a second, CPU and memory the queues are raised
to a million, where there is one to raise; `sojourn, desktop` stamps sessions and writes every
event to disk, `sojourn, server` does neither. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
SUBJECT = HERE / "sdk_subjects" / "subject.py"
STUB = HERE / "sdk_subjects" / "stub.py"
OURS = ["sojourn, desktop", "sojourn, server"]
PEERS = {
    "rudder-sdk-python": "rudder-sdk-python",
    "segment": "segment-analytics-python",
    "posthog": "posthog",
    "snowplow": "snowplow-tracker",
    "mixpanel": "mixpanel",
    "amplitude": "amplitude-analytics",
}
TIMED_OUT = 45.0


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """The stub, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, STUB, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def arrived(url: str) -> tuple[int, int, int]:
    """Events, requests and connections since the last question."""
    with urllib.request.urlopen(f"{url}/count", timeout=60) as answer:
        events, requests, connections = map(int, answer.read().split())
    return events, requests, connections


def run(python: Path, name: str, mode: str, url: str, count: int) -> dict[str, Any] | None:
    """One process; `None` if it did not end in time."""
    source = str(HERE.parent / "src")
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": ""}
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), str(SUBJECT), name, mode, url, folder, str(count)]
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=TIMED_OUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        ended = time.time()
    lines = done.stdout.splitlines()
    if not lines:
        return None
    told: dict[str, Any] = json.loads(lines[-1])
    if "ended" in told:
        told["exit_s"] = ended - told["ended"]
    return told


def speed(python: Path, name: str, url: str, rounds: int, count: int) -> list[str]:
    """Import, calls, throughput, CPU and memory: medians of the rounds."""
    imports = [run(python, name, "import", url, 0) for _ in range(rounds + 1)][1:]
    told = []
    for _ in range(rounds):
        arrived(url)
        one = run(python, name, "loop", url, count)
        if one is not None:
            events, requests, connections = arrived(url)
            told.append({**one, "rate": events / one["seconds"]})
    if not told:
        return ["did not end"]

    def middle(key: str) -> float:
        return median(one[key] for one in told)

    return [
        f"{median(one['import_ms'] for one in imports if one):.0f}",
        f"{middle('median_us'):.1f}",
        f"{middle('p99_us'):.0f}",
        f"{middle('rate'):,.0f}",
        f"{middle('cpu_us'):.0f}",
        f"{middle('peak_mib'):.0f}",
        f"{requests} / {connections}",
    ]


def behaviour(python: Path, name: str, url: str, stuck: str, gone: str) -> list[str]:
    """What is lost, and how long the end of the program takes."""
    arrived(url)
    tight = run(python, name, "defaults", url, 50_000)
    lost_tight = 50_000 - arrived(url)[0] if tight else None
    plain = run(python, name, "exit", url, 1_999)
    lost_plain = 1_999 - arrived(url)[0] if plain else None
    ends = [plain, run(python, name, "exit", gone, 100), run(python, name, "exit", stuck, 100)]
    seconds = [f"{one['exit_s']:.2f}" if one else f"> {TIMED_OUT:.0f}" for one in ends]
    return [
        "did not end" if lost_tight is None else f"{lost_tight:,}",
        "did not end" if lost_plain is None else f"{lost_plain:,}",
        " / ".join(seconds),
    ]


def peers_python(folder: Path) -> Path:
    """The interpreter of an environment with the peers in it."""
    python = folder / "bin" / "python"
    if not python.exists():
        print("installing the peers …", flush=True)
        venv.create(folder, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", *PEERS.values()]
        subprocess.run(command, check=True)
    return python


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print("\n| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def main() -> None:
    """Measure all of them and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--peers", type=Path, help="environment to keep the peers in")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-behaviour", action="store_true")
    options = parser.parse_args()
    here = Path(sys.executable)
    with tempfile.TemporaryDirectory() as temporary:
        subjects = [(name, here) for name in [*OURS, "floor"]]
        if not options.no_peers:
            python = peers_python(options.peers or Path(temporary) / "peers")
            subjects[2:2] = [(name, python) for name in PEERS]
        with server() as url, server("hang") as stuck:
            rows = [
                [name, *speed(python, name, url, options.rounds, options.events)]
                for name, python in subjects
            ]
            table(
                [
                    "",
                    "import ms",
                    "track() µs, median",
                    "p99",
                    "events/s delivered",
                    "CPU µs/event",
                    "peak MiB",
                    "requests / connections",
                ],
                rows,
            )
            if options.no_behaviour:
                return
            with server() as short_lived:
                gone = short_lived
            table(
                ["", "lost of 50,000", "lost of 1,999 at exit", "exit s: up / gone / stuck"],
                [[name, *behaviour(python, name, url, stuck, gone)] for name, python in subjects],
            )


if __name__ == "__main__":
    main()
