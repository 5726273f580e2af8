"""What the log on NATS does beyond the suite: trouble, size, retention, what it refuses."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from itertools import count

import nats
import pytest
from nats.js.api import StreamConfig

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.core.ports import Entry
from sojourn.log.jetstream import reader as reader_module
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.holder import Claimant
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.testing.log_suite import last_of, numbered, read_all
from sojourn.testing.nats_server import NatsServerProcess, nats_server

from .nats_logs import OpenIt, there

PATIENCE_S = 60
KILLS = 4


async def test_values_larger_than_a_message_come_back_whole(open_log: OpenIt) -> None:
    log = open_log(partitions={"raw": 3})
    values = [os.urandom(size) for size in (3_000_000, 10, 1_048_576, 900_000, 2)]
    await log.append("raw", [Entry(f"k{n}", value) for n, value in enumerate(values)])
    await log.append("raw", [Entry("k", b"after")])
    found = await read_all(log.reader("raw", "r"), 6)
    assert sorted(entry.value for entry in found) == sorted([*values, b"after"])
    assert found[-1].value == b"after"
    assert (await log.reader("raw", "other").lag()).entries == 6


async def test_an_append_that_broke_off_is_never_seen(open_log: OpenIt) -> None:
    log = open_log()
    await log.append("raw", numbered(1))
    where = log.server
    client = await nats.connect(f"nats://{where.hosts[0]}")
    await client.jetstream().publish(where.subject("raw", "part"), b"the beginning of a large one")
    await client.close()
    await log.append("raw", numbered(1, start=1))
    reader = log.reader("raw", "r")
    assert [entry.value for entry in await read_all(reader, 2)] == [b"0", b"1"]
    assert list(await reader.read(1000, 0)) == []


async def test_a_message_of_somebody_else_holds_nobody_up(
    open_log: OpenIt, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log()
    await log.append("raw", numbered(1))
    client = await nats.connect(f"nats://{log.server.hosts[0]}")
    await client.jetstream().publish(log.server.subject("raw", "entries"), b"hello")
    await client.close()
    await log.append("raw", numbered(1, start=1))
    reader = log.reader("raw", "r")
    assert [entry.value for entry in await read_all(reader, 2)] == [b"0", b"1"]
    assert (await reader.lag()).entries == 2
    assert "is left out" in caplog.text


async def test_two_logs_of_one_name_share_everything(open_log: OpenIt) -> None:
    one, other = open_log(partitions={"raw": 2}), open_log(partitions={"raw": 4})
    third = open_log()
    await asyncio.gather(
        *(
            log.append("raw", numbered(1, f"k{n}", start=n + 1000 * turn))
            for turn, log in enumerate((one, other, third))
            for n in range(100)
        )
    )
    found = await read_all(third.reader("raw", "r"), 300)
    assert len({entry.value for entry in found}) == 300
    assert max(entry.partition for entry in found) == 3


async def test_a_message_that_is_sent_again_is_there_once(
    open_log: OpenIt, server: NatsServerProcess
) -> None:
    log = open_log()
    await log.append("raw", numbered(1))
    server.pause()
    try:
        append = asyncio.create_task(log.append("raw", numbered(1, start=1)))
        done, _ = await asyncio.wait((append,), timeout=2.5)  # longer than one attempt
        assert not done
    finally:
        server.resume()
    await append
    reader = log.reader("raw", "r")
    assert [entry.value for entry in await read_all(reader, 2)] == [b"0", b"1"]
    assert list(await reader.read(1000, 0)) == []


async def test_an_append_waits_for_a_server_that_restarts(
    open_log: OpenIt, server: NatsServerProcess
) -> None:
    log = open_log(deadline_s=PATIENCE_S)
    await log.append("raw", numbered(1))
    reader = log.reader("raw", "r")
    await reader.commit(last_of(await read_all(reader, 1)))
    server.stop()
    append = asyncio.create_task(log.append("raw", numbered(1, start=1)))
    reading = asyncio.create_task(reader.read(1000, PATIENCE_S))
    done, _ = await asyncio.wait((append, reading), timeout=0.3)
    assert not done
    server.start()
    await append
    assert [entry.value for entry in await reading] == [b"1"]
    assert (await reader.lag()).entries == 1


async def test_an_append_to_a_server_that_stays_away_is_refused_at_its_deadline(
    open_log: OpenIt, server: NatsServerProcess
) -> None:
    log = open_log(deadline_s=1.0)
    await log.append("raw", numbered(1))
    reader = log.reader("raw", "r")
    server.stop()
    try:
        start = time.monotonic()
        results = await asyncio.gather(
            *(log.append("raw", numbered(1)) for _ in range(20)), return_exceptions=True
        )
        assert all(isinstance(result, LogUnavailable) for result in results)
        assert 0.9 < time.monotonic() - start < PATIENCE_S
        assert server.url in str(results[0])
        with pytest.raises(LogUnavailable):
            await reader.read(1000, 0)
        with pytest.raises(LogUnavailable):
            await reader.commit({0: 1})
    finally:
        server.start()
    await log.append("raw", numbered(1, start=1))
    found = await reader.read(1000, PATIENCE_S)
    assert found[0].value == b"0"


@pytest.mark.slow
async def test_nothing_acknowledged_is_missing_after_kills_under_load(
    open_log: OpenIt, server: NatsServerProcess
) -> None:
    log = open_log(partitions={"raw": 2}, deadline_s=PATIENCE_S)
    accepted: set[bytes] = set()
    stop = False

    async def write(writer: int) -> None:
        for number in count():
            if stop:
                return
            entries = [Entry(f"w{writer}", b"%d:%d:%d" % (writer, number, n)) for n in range(3)]
            entries[-1] = Entry(f"w{writer}", entries[-1].value + b" " + bytes(20_000))
            await log.append("raw", entries)
            accepted.update(entry.value for entry in entries)

    seen: Counter[bytes] = Counter()

    async def read() -> None:
        reader = log.reader("raw", "r")
        while not (stop and accepted <= seen.keys()):
            found = await reader.read(500_000, 0.1)
            seen.update(entry.value for entry in found)
            await reader.commit(last_of(found))

    writers = [asyncio.create_task(write(writer)) for writer in range(30)]
    reading = asyncio.create_task(read())
    for _ in range(KILLS):
        before = len(accepted)
        async with asyncio.timeout(PATIENCE_S):
            while len(accepted) < before + 500:
                await asyncio.sleep(0.01)
        server.kill()
        server.start()
    stop = True
    await asyncio.gather(*writers)
    async with asyncio.timeout(PATIENCE_S):
        await reading
    await log.close()
    again = await read_all(open_log().reader("raw", "fresh"), len(accepted))
    assert {entry.value for entry in again} == accepted
    assert len(again) == len(accepted), "sent again, but there once"
    # What a server without `sync_interval: always` had in memory only may have been read already
    # when it dies; the writer, not told yet, sends it again.
    assert max(seen.values()) <= 1 + KILLS, "a reader gets an entry again for a crash at most"


async def test_a_reader_that_is_asked_for_shows_that_it_is_there(
    open_log: OpenIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sojourn.log.jetstream.bucket._SHOW_UP_MS", -1)
    log = open_log()
    await log.append("raw", numbered(3))
    await log.reader("raw", "slow").lag()
    ((_, (position, first)),) = (await log._connection.run(log._bucket.positions("raw"))).items()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await log.reader("raw", "slow").lag()
            ((name, (same, later)),) = (
                await log._connection.run(log._bucket.positions("raw"))
            ).items()
            if later > first:
                break
    assert (name, same) == ("slow", position)


async def test_a_long_lag_is_estimated(open_log: OpenIt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "COUNTED", 10)
    log = open_log()
    for number in range(30):
        await log.append("raw", numbered(4, start=number))
    assert (await log.reader("raw", "r").lag()).entries == 120


async def test_reading_leaves_nothing_behind(open_log: OpenIt) -> None:
    log = open_log()
    for number in range(20):
        await log.append("raw", numbered(1, start=number))
        assert len(await there(log)) == number + 1
        await log.reader("raw", "r").lag()
    assert len(log._connection.client._subs) < 5


async def test_a_server_that_is_not_there_is_named(server: NatsServerProcess) -> None:
    with pytest.raises(LogUnavailable, match=r"nats://127\.0\.0\.1:1/sojourn cannot be reached"):
        NatsLog(NatsServer.of("nats://127.0.0.1:1"), deadline_s=0.5)


async def test_a_stream_that_is_kept_in_memory_is_refused(
    open_log: OpenIt, server: NatsServerProcess
) -> None:
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(
        StreamConfig(name="inmem_raw", subjects=["inmem.raw.>"], storage="memory")  # type: ignore[arg-type]
    )
    await client.close()
    with pytest.raises(InvalidSettings, match="inmem_raw is kept in memory"):
        NatsLog(NatsServer.of(f"{server.url}/inmem"), {"raw": 1})


async def test_a_bucket_outlives_a_race_for_it(open_log: OpenIt) -> None:
    log = open_log()
    bucket: Bucket = log._bucket
    numbers = await asyncio.gather(
        *(log._connection.run(bucket.declare("raw", n)) for n in range(1, 9))
    )
    assert max(numbers) == 8
    assert await log._connection.run(bucket.declare("raw", 1)) == 8


def test_a_server_with_tiny_messages_is_refused() -> None:
    with (
        nats_server("max_payload: 1000") as server,
        pytest.raises(InvalidSettings, match="max_pay"),
    ):
        NatsLog(NatsServer.of(server.url))


def test_a_password_is_needed_where_the_server_wants_one() -> None:
    with nats_server("authorization { user: sojourn, password: geheim }") as server:
        for wrong in ({}, {"user": "sojourn", "password": "x"}, {"token": "x"}):
            with pytest.raises(InvalidSettings, match="refuses the user; set nats_user"):
                NatsLog(NatsServer.of(server.url, **wrong))
        log = NatsLog(NatsServer.of(server.url, user="sojourn", password="geheim"))
        asyncio.run(log.close())


async def test_only_one_processes_a_log(open_log: OpenIt, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Claimant("1", "one:/data"), Claimant("2", "two:/data")
    first = open_log(holder=one)
    open_log()  # only writes
    with pytest.raises(InvalidSettings, match="is processed by one:/data already"):
        open_log(holder=two)
    again = open_log(holder=Claimant("1", "elsewhere:/data"))  # it was killed, and starts again
    await again.close()
    await open_log(holder=two).close()
    await first._connection.run(first._holder.claim())  # type: ignore[union-attr]
    with pytest.raises(InvalidSettings):
        open_log(holder=two)
    monkeypatch.setattr("sojourn.log.jetstream.holder._GONE_MS", -1)
    open_log(holder=two)
