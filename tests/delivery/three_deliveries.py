"""A process with three deliveries over one log, to be killed: see test_kill.py.

python three_deliveries.py DIRECTORY AMPLITUDE_URL MIXPANEL_URL WEBHOOK_URL
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sojourn.destinations.registry import build
from sojourn.log.clock import WallClock
from sojourn.log.sqlite_log import SqliteLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings

SETTINGS = DeliverySettings(
    backoff_first=0.2, backoff_most=0.5, window_events=2000, events_per_second=1_000_000
)


async def main(directory: Path, amplitude: str, mixpanel: str, webhook: str) -> None:
    """Deliver until everything in the log is done with, then say so."""
    clock = WallClock()
    log = SqliteLog(directory / "log.db")
    state = SqliteStateStore(directory / "state.db", clock)
    far_ends = {
        "amplitude": build("amplitude", {"api_key": "k", "url": amplitude}),
        "mixpanel": build("mixpanel", {"token": "t", "url": mixpanel}),
        "webhook": build("webhook", {"url": webhook, "allow_internal": True, "batch": 20}),
    }
    stop = asyncio.Event()
    deliveries = [
        Delivery(name, far, log, state, clock, SETTINGS) for name, far in far_ends.items()
    ]
    tasks = [asyncio.create_task(one.run(stop)) for one in deliveries]
    await asyncio.gather(*(one.drain() for one in deliveries))
    stop.set()
    await asyncio.gather(*tasks)
    await log.close()
    state.close()
    print("drained", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
