"""200 means that the request is on disk; without a log there is no 200."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sojourn.core.envelope import unpack_request
from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Entry
from sojourn.gateway import Limits
from sojourn.log import SqliteLog
from sojourn.testing.log_suite import read_all

from .conftest import KEY, basic, serving, wait_until

SERVER = """
import sys, pathlib, uvicorn
from sojourn.core.source import Source
from sojourn.gateway import Gateway
from sojourn.log import SqliteLog
from sojourn.log.clock import WallClock

log = SqliteLog(pathlib.Path(sys.argv[1]))
app = Gateway({"k": Source("s", "s", "k")}.get, log, WallClock())
config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
server = uvicorn.Server(config)

async def main():
    import asyncio
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving

import asyncio
asyncio.run(main())
"""


def start(path: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def keep_posting(port: int, name: str, acknowledged: list[str], stop: threading.Event) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection), suppress(OSError, http.client.HTTPException):
        for number in range(100_000):
            event = f"{name}-{number}"
            body = f'{{"userId":"u","messageId":"{event}"}}'
            connection.request("POST", "/v1/track", body, {"Authorization": basic("k")})
            response = connection.getresponse()
            if response.status == 200 and response.read() == b"ok":
                acknowledged.append(event)
            if stop.is_set():
                return


async def stored(path: Path, at_least: int) -> list[str]:
    log = SqliteLog(path)
    found = await read_all(log.reader("raw", "check"), at_least)
    await log.close()
    bodies = [unpack_request(entry.value)[1].decode() for entry in found]
    return [body.split('"')[-2] for body in bodies]


def test_a_request_that_was_answered_outlives_kill_9(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for life in range(3):
        process, port = start(tmp_path / "log.db")
        stop = threading.Event()
        before = len(acknowledged)
        clients = [
            threading.Thread(target=keep_posting, args=(port, f"{life}-{n}", acknowledged, stop))
            for n in range(8)
        ]
        for client in clients:
            client.start()
        wait_until(lambda least=before + 100: len(acknowledged) > least)
        os.kill(process.pid, signal.SIGKILL)
        stop.set()
        for client in clients:
            client.join()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    there = asyncio.run(stored(tmp_path / "log.db", len(acknowledged)))
    assert set(acknowledged) <= set(there)
    assert len(there) == len(set(there))


class BrokenLog:
    """A log whose disk is full, or which does not come back."""

    def __init__(self) -> None:
        self.error: Exception | None = LogUnavailable("disk full at /secret/place")

    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(60)

    def reader(self, stream: str, name: str, since: int = 0) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to release."""


def test_a_log_that_fails_is_a_500_that_sdks_retry_and_it_shows_in_health() -> None:
    with serving(BrokenLog()) as server:
        assert server.request("GET", "/health").status == 200
        answer = server.post("/v1/track", b'{"userId":"u"}')
        assert (answer.status, answer.text) == (500, "the event log could not be written\n")
        health = server.request("GET", "/health")
        assert (health.status, health.text) == (503, "Cannot connect to db\n")
        assert server.app.stats.refused == {"log_failed": 1}
        assert server.request("GET", f"/pixel/v1/page?writeKey={KEY}&userId=u").status == 200


def test_a_log_that_does_not_answer_is_a_504() -> None:
    log = BrokenLog()
    log.error = None
    with serving(log, limits=Limits(commit_seconds=0.3)) as server:
        answer = server.post("/v1/track", b'{"userId":"u"}')
        assert (answer.status, answer.text) == (504, "gateway timeout\n")
        assert server.app.stats.active == 0


def test_a_log_that_is_closed_refuses(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    with serving(log) as server:
        assert server.post("/v1/track", b'{"userId":"u"}').status == 200
        asyncio.run(log.close())
        assert server.post("/v1/track", b'{"userId":"u"}').status == 500
