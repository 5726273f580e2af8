"""A log and a state store in memory that can fail at a chosen call, and a clock that is set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sojourn.core.envelope import (
    RequestMeta,
    pack_request,
    unpack_dead,
    unpack_events,
)
from sojourn.core.ports import DEAD, EVENTS, RAW, Entry, Lag, Stored

NOW = 1_795_518_460_000  # 2026-11-24T11:07:40Z


class Killed(BaseException):
    """Stands for the end of the process: nothing after it happens."""


@dataclass
class Disk:
    """What survives a crash; `kill_before` / `kill_after` name the step at which it comes."""

    streams: dict[str, list[Stored]] = field(default_factory=dict)
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    state: dict[str, dict[str, tuple[bytes, int]]] = field(default_factory=dict)
    now: int = NOW
    kill: tuple[str, str] | None = None
    fail: list[BaseException] = field(default_factory=list)
    clock: int = NOW

    def now_ms(self) -> int:
        return self.clock

    def step(self, when: str, name: str) -> None:
        if self.kill == (when, name):
            self.kill = None
            raise Killed
        if when == "before" and self.fail:
            raise self.fail.pop(0)

    # EventLog
    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        self.step("before", f"append {stream}")
        held = self.streams.setdefault(stream, [])
        for entry in entries:
            held.append(Stored(0, len(held) + 1, self.clock, entry.value))
        self.step("after", f"append {stream}")

    def reader(self, stream: str, name: str, since: int = 0) -> Reader:
        return Reader(self, stream, name, self.positions.get((stream, name), 0))

    async def close(self) -> None: ...

    # StateStore
    def get(self, space: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        held = self.state.get(space, {})
        found = ((key, held.get(key)) for key in keys)
        return {k: v[0] for k, v in found if v and (v[1] == 0 or v[1] > self.clock)}

    def put(self, space: str, values: Mapping[str, bytes], expires_at: int) -> None:
        self.step("before", "put")
        held = self.state.setdefault(space, {})
        held.update({key: (value, expires_at) for key, value in values.items()})
        self.step("after", "put")

    def delete(self, space: str, keys: Sequence[str]) -> None:
        for key in keys:
            self.state.get(space, {}).pop(key, None)

    # for the tests
    async def request(self, body: Any, endpoint: str = "batch", **meta: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        number = len(self.streams.get(RAW, ()))
        given = {
            "source_id": "web",
            "received_at": self.clock,
            "request_ip": "203.0.113.9",
            "batch_id": f"b{number}",
            **meta,
        }
        value = pack_request(RequestMeta(endpoint=endpoint, **given), raw)
        await self.append(RAW, [Entry("k", value)])

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def lines(self) -> list[bytes]:
        stored = self.streams.get(EVENTS, [])
        return [line for entry in stored for line in unpack_events(entry.value).events]

    def dead(self) -> list[Any]:
        return [unpack_dead(entry.value) for entry in self.streams.get(DEAD, [])]


class Reader:
    def __init__(self, disk: Disk, stream: str, name: str, position: int) -> None:
        self.disk, self.stream, self.name, self.position = disk, stream, name, position

    async def read(self, max_bytes: int, wait: float) -> Sequence[Stored]:
        await asyncio.sleep(min(wait, 0.01))
        found: list[Stored] = []
        for stored in self.disk.streams.get(self.stream, [])[self.position :]:
            if found and sum(len(s.value) for s in found) + len(stored.value) > max_bytes:
                break
            found.append(stored)
        self.position += len(found)
        return found

    async def commit(self, positions: Mapping[int, int]) -> None:
        self.disk.step("before", "commit")
        self.disk.positions[self.stream, self.name] = positions[0]
        self.disk.step("after", "commit")

    async def lag(self) -> Lag:
        return Lag(len(self.disk.streams.get(self.stream, [])) - self.position, 0.0)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed
