"""How fast one destination is delivered to over loopback, and what one costs that is down.

python benchmarks/delivery.py
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from destinations import event
from sojourn.core.envelope import pack_events
from sojourn.core.ports import EVENTS, Batch, Entry
from sojourn.destinations.registry import build
from sojourn.log.clock import WallClock
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings

EVENTS_SENT = 40_000
IDLE_SECONDS = 5.0

STUB = """
import asyncio
from aiohttp import web
async def handle(request):
    await request.read()
    return web.Response(text="{}")
async def main():
    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


PEOPLE = 2000
MIX = (0, 0, 1, 0, 0, 1, 2, 0, 0, 1, 0, 0, 1, 0, 0, 1, 4, 0, 0, 1)
"""Of twenty events 12 tracks, 6 pages, an identify and a group, as sites send them."""


def line(number: int) -> bytes:
    """One event of the mix."""
    one = event(6 * number + MIX[number % len(MIX)])
    one |= {"anonymousId": f"anonymous-{number % PEOPLE}", "userId": f"user-{number % PEOPLE}"}
    return msgspec.json.encode(one)


async def filled(directory: Path) -> SqliteLog:
    """A log with events, a hundred in each entry."""
    log = SqliteLog(directory / "log.db")
    now = time.time_ns() // 1_000_000
    for start in range(0, EVENTS_SENT, 1000):
        entries = [
            Entry(
                str(first),
                pack_events(Batch("web", now, [line(n) for n in range(first, first + 100)])),
            )
            for first in range(start, start + 1000, 100)
        ]
        await log.append(EVENTS, entries)
    return log


async def delivered(kind: str, settings: dict[str, object], seconds: float | None) -> Delivery:
    """Deliver everything, or for some seconds; prints pace and cost."""
    with tempfile.TemporaryDirectory() as folder:
        log = await filled(Path(folder))
        state = SqliteStateStore(Path(folder) / "state.db", WallClock())
        fast = DeliverySettings(events_per_second=10_000_000)
        delivery = Delivery(kind, build(kind, settings), log, state, WallClock(), fast)
        stop = asyncio.Event()
        task = asyncio.create_task(delivery.run(stop))
        if seconds is not None:
            while not delivery.stats.down:
                await asyncio.sleep(0.05)
            await asyncio.sleep(1)
        start, cpu = time.perf_counter(), _cpu()
        if seconds is None:
            await delivery.drain()
            wall, used = time.perf_counter() - start, _cpu() - cpu
            print(
                f"{kind}: {EVENTS_SENT / wall:,.0f} events a second over loopback "
                f"(target: at least 10,000), {used / EVENTS_SENT * 1e6:.0f} us of CPU an event"
            )
        else:
            await asyncio.sleep(seconds)
            share = (_cpu() - cpu) / (time.perf_counter() - start)
            print(f"{kind}, down: {share:.2%} of one CPU (target: under 2 %)")
        stop.set()
        await task
        await log.close()
        state.close()
        return delivery


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main() -> None:
    """Measure and print."""
    stub = subprocess.Popen([sys.executable, "-c", STUB], stdout=subprocess.PIPE, text=True)
    try:
        assert stub.stdout is not None
        url = f"http://127.0.0.1:{int(stub.stdout.readline())}"
        groups = {"group_keys": ["company"]}
        await delivered("amplitude", {"api_key": "k", "url": url}, None)
        await delivered("mixpanel", {"token": "t", "url": url, **groups}, None)
        hook = {"url": url, "allow_internal": True}
        await delivered("webhook", {**hook, "batch": 20}, None)
        await delivered("webhook", hook, None)
    finally:
        stub.kill()
        stub.wait()
    await delivered("amplitude", {"api_key": "k", "url": url}, IDLE_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
