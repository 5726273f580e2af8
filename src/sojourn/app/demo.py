"""The demo: simulated visitors of a small shop, sent over HTTP like any SDK's events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec

from sojourn.core.errors import Transient
from sojourn.testing.visitors import Sending, live, visitors

SEED = 2026
LANES = 8
"""Requests under way at the same time; a visitor's own go out one after another."""


class DemoRefused(Transient):
    """The data plane did not take the demo's events."""


class Demo:
    """Plays to the data plane at `url`.

    What was played is noted in the data folder of that server (`demo.json`), where it is given.
    """

    def __init__(
        self, url: str, write_key: str, data_dir: Path | None, people: int = 500, days: int = 14
    ) -> None:
        self._url = url.rstrip("/")
        self._write_key = write_key
        self._note = data_dir / "demo.json" if data_dir else None
        self._people = people
        self._days = days

    async def play_history(self, progress: Callable[[int, int], None]) -> int:
        """Send the history, unless this data folder has it; returns how many events that were.

        `progress` is told the events done and the events in all. Raises `DemoRefused`.
        """
        if self._note and self._note.exists():
            return 0
        history = await asyncio.to_thread(self._history)
        total = sum(len(sending.events) for sending in history)
        done = 0
        lanes: list[list[Sending]] = [[] for _ in range(LANES)]
        for sending in history:
            lanes[hash(sending.anonymous_id) % LANES].append(sending)

        async def play(lane: list[Sending]) -> None:
            nonlocal done
            for sending in lane:
                await self._send(http, sending)
                done += len(sending.events)
                progress(done, total)

        try:
            async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(play(lane))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if self._note:
            self._note.write_bytes(msgspec.json.encode({"events": total, "seed": SEED}))
        return total

    async def play_live(self) -> None:
        """Send visits as they happen, until cancelled. A server that is away is waited for."""
        now_ms = time.time_ns() // 1_000_000
        async with aiohttp.ClientSession() as http:
            for sending in live(SEED, self._people, now_ms=now_ms):
                await asyncio.sleep(max(0.0, sending.at_ms / 1000 - time.time()))
                while True:
                    try:
                        await self._send(http, sending)
                        break
                    except DemoRefused:
                        await asyncio.sleep(1)

    def _history(self) -> list[Sending]:
        now_ms = time.time_ns() // 1_000_000
        return list(visitors(SEED, self._people, self._days, now_ms=now_ms))

    async def _send(self, http: aiohttp.ClientSession, sending: Sending) -> None:
        try:
            async with http.post(
                self._url + sending.path,
                data=msgspec.json.encode(sending.body),
                headers=sending.headers(self._write_key),
            ) as answer:
                said = (await answer.text()).strip()
        except aiohttp.ClientConnectionError as error:
            raise DemoRefused(f"{self._url} cannot be reached ({error})") from None
        if answer.status != 200:
            raise DemoRefused(f"{self._url} answered {answer.status}: {said}")
