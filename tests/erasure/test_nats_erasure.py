"""An erasure from the log on NATS: nothing of the person, everything of the others, once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import nats
import pytest

from sojourn.core.envelope import pack_events, unpack_events
from sojourn.core.erasure import People
from sojourn.core.ports import EVENTS, Batch, Entry, Stored
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.pipeline.erasing import Eraser
from sojourn.testing.log_suite import last_of, read_all
from sojourn.testing.nats_server import NatsServerProcess

from ..nats_or_skip import nats_or_skip

ANNA = People(frozenset({"anna"}))
NUMBERS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServerProcess]:
    with nats_or_skip() as running:
        yield running


def opened(server: NatsServerProcess) -> NatsLog:
    return NatsLog(NatsServer.of(f"{server.url}/erase{next(NUMBERS)}"), {EVENTS: 2})


def entry(number: int, size: int = 1) -> Entry:
    who = "anna" if number % 3 == 0 else "bert"
    note = f"note-of-{who}-" * size
    line = json.dumps({"userId": who, "messageId": f"m{number}", "note": note})
    return Entry(f"web:{number}", pack_events(Batch("web", 1, [line.encode()])))


async def erase(log: NatsLog) -> int:
    eraser = Eraser(ANNA)
    seen: list[int] = []
    changed = await log.rewrite(EVENTS, lambda value: eraser.change(EVENTS, value), seen.append)
    await log.scrub()
    assert sum(seen) > 0
    return changed


def ids(entries: list[Stored]) -> list[str]:
    lines = [line for one in entries for line in unpack_events(one.value).events]
    return sorted(json.loads(line)["messageId"] for line in lines)


def held(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [1, 100, 120_000])
async def test_no_byte_of_the_person_is_left_in_the_files_of_the_server(
    server: NatsServerProcess, size: int
) -> None:
    log = opened(server)
    entries = [entry(number, size) for number in range(12)]
    assert b"note-of-anna" not in held(server.folder)
    await log.append(EVENTS, entries[:7])
    for one in entries[7:]:
        await log.append(EVENTS, [one])
    assert b"note-of-anna" in held(server.folder)
    assert await erase(log) == 4
    kept = held(server.folder)
    assert b"note-of-anna" not in kept
    assert b"note-of-bert" in kept
    left = await read_all(log.reader(EVENTS, ""), 8)
    assert ids(left) == sorted(f"m{n}" for n in range(12) if n % 3)
    assert await erase(log) == 0, "once more changes nothing"
    await log.close()


async def test_readers_get_of_what_is_left_only_what_they_had_not(
    server: NatsServerProcess,
) -> None:
    log = opened(server)
    for start in range(0, 12, 4):
        await log.append(EVENTS, [entry(number) for number in range(start, start + 4)])
    done, half, new = (log.reader(EVENTS, name) for name in ("destination:é", "half", "new"))
    await done.commit(last_of(await read_all(done, 12)))
    first = await read_all(half, 4, max_bytes=300)
    await half.commit(last_of(first[:4]))
    assert (await new.lag()).entries == 12
    assert await erase(log) == 4
    assert await rest(log, "destination:é") == []
    assert await rest(log, "new") == sorted(f"m{n}" for n in range(12) if n % 3)
    had = set(ids(first[:4]))
    left = await rest(log, "half")
    assert {f"m{n}" for n in range(12) if n % 3} - had <= set(left)
    assert len(left) == len(set(left))
    await log.close()


async def rest(log: NatsLog, name: str) -> list[str]:
    """The message ids that a reader has still to read, which its lag must agree with."""
    reader = log.reader(EVENTS, name)
    entries: list[Stored] = []
    lag = await reader.lag()
    while found := await reader.read(1 << 20, 0):
        entries += found
    assert lag.entries == len(entries)
    return ids(entries)


async def test_what_is_left_keeps_its_time(server: NatsServerProcess) -> None:
    log = opened(server)
    await log.append(EVENTS, [entry(0), entry(1)])
    (before, *_) = await read_all(log.reader(EVENTS, ""), 2)
    await log.append(EVENTS, [entry(2)])
    (*_, later) = await read_all(log.reader(EVENTS, ""), 3)
    assert await erase(log) == 1
    left = await read_all(log.reader(EVENTS, ""), 3)
    times = {name: one.appended_at for one in left for name in ids([one])}
    assert times == {"m1": before.appended_at, "m2": later.appended_at}
    since = await log.reader(EVENTS, "", since=later.appended_at + 1).read(1 << 20, 0)
    assert ids(list(since)) == []
    assert await log.streams() == [EVENTS]
    await log.close()


async def test_the_beginning_of_an_append_that_broke_off_is_deleted_when_it_is_old(
    server: NatsServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sojourn.log.jetstream.rewriting._BROKEN_OFF_MS", -1)
    log = opened(server)
    large = entry(1, 200_000)
    await log.append(EVENTS, [large])
    client = await nats.connect(server.url)
    beginning = b"broken-off-" + os.urandom(8).hex().encode()
    await client.jetstream().publish(log.server.subject(EVENTS, "part"), beginning)
    await client.close()
    await log.append(EVENTS, [entry(2)])
    assert beginning in held(server.folder)
    assert await erase(log) == 0
    assert beginning not in held(server.folder)
    assert {one.value for one in await read_all(log.reader(EVENTS, ""), 2)} > {large.value}
    await log.close()
