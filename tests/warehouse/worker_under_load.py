"""A process that takes requests, processes and loads them until it is killed.

`python worker_under_load.py DIRECTORY ROUND`: prints the number of each request once it is on disk.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.ports import RAW, Entry
from sojourn.core.source import Source
from sojourn.log import SqliteLog, SqliteStateStore
from sojourn.pipeline.loader import Loader
from sojourn.pipeline.processor import Processor
from sojourn.warehouse.duckdb import DuckDBTables

SOURCE = Source("web", "Web", "key")


class Clock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def request(round_: int, number: int) -> tuple[RequestMeta, bytes]:
    """Ten events; the last is a repetition of the first of the request before."""
    name = f"{round_}-{number}"
    events = [
        {
            "type": "identify" if n == 0 else "track",
            "event": f"Event {n % 3}",
            "messageId": f"{name}-{n}",
            "anonymousId": f"a{n}",
            "userId": f"u{number % 5}",
            "traits": {"last": name, f"only_{number % 3}": number},
            "properties": {"n": n, f"p{round_}_{number % 4}": "x" * 200},
            "context": {"sessionId": round_ + 1},
        }
        for n in range(9)
    ]
    events.append({**events[0], "messageId": f"{round_}-{max(0, number - 1)}-0"})
    body = json.dumps({"batch": events}).encode()
    return RequestMeta("web", 1_795_518_460_000 + number, "ip", "batch", name), body


class Parts:
    """Everything behind the gateway, over one directory."""

    def __init__(self, directory: Path) -> None:
        self.log = SqliteLog(directory / "log.db")
        self.state = SqliteStateStore(directory / "state.db", Clock())
        self.tables = DuckDBTables(directory / "warehouse.duckdb", lambda _: SOURCE)
        self.processor = Processor(self.log, self.state, Clock(), max_bytes=20_000)
        self.loader = Loader(self.log, self.tables, Clock(), interval_s=0.02, max_bytes=50_000)

    async def close(self) -> None:
        await self.log.close()
        self.state.close()
        self.tables.close()


async def work(directory: Path, round_: int) -> None:
    parts = Parts(directory)
    never = asyncio.Event()
    running = [
        asyncio.create_task(parts.processor.run(never)),
        asyncio.create_task(parts.loader.run(never)),
    ]
    for number in range(100_000):
        await parts.log.append(RAW, [Entry("k", pack_request(*request(round_, number)))])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.002)
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
