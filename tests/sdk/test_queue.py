"""The queue: what happens when it is full, closed, filtered, shared."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from sojourn import Client, Delivery, QueueLimits

FAST = Delivery(interval=0.02, timeout=5, max_backoff=0.1)


def client(url: str, **more: Any) -> Client:
    return Client("key", url, **{"delivery": FAST, "strict": True, **more})


def send(c: Client, count: int, **properties: Any) -> list[str]:
    sent = [c.track(f"E{n}", {"n": n, **properties}, user_id="u") for n in range(count)]
    assert all(sent)
    return [message_id for message_id in sent if message_id]


def test_a_full_queue_drops_the_new_counts_them_and_logs_once(
    stub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stub.default = "hang"
    c = client(stub.url, queue=QueueLimits(events=10, when_full="drop-new"), strict=False)
    results = [c.track("E", user_id="u") for _ in range(50)]
    kept = sum(result is not None for result in results)
    assert kept == 10
    assert c.stats.dropped == 40
    assert c.stats.reasons == {"the queue was full": 40}
    assert len(caplog.records) == 1
    c.close(0)


def test_drop_old_keeps_the_newest(stub: Any, eventually: Callable[..., None]) -> None:
    stub.answers = ["hang"]
    limits = QueueLimits(events=20, when_full="drop-old")
    c = client(stub.url, queue=limits, delivery=FAST._replace(batch=5, timeout=0.5))
    send(c, 5)
    eventually(lambda: stub.requests)
    send(c, 50)
    c.flush(10)
    assert c.stats.dropped == 35
    assert stub.names == [*(f"E{n}" for n in range(5)), *(f"E{n}" for n in range(35, 50))]
    c.close()


def test_waiting_for_room_is_bounded_when_the_server_is_stuck(stub: Any) -> None:
    stub.default = "hang"
    c = client(stub.url, queue=QueueLimits(events=10), strict=False)
    start = time.monotonic()
    for _ in range(100):
        c.track("E", user_id="u")
    assert time.monotonic() - start < 1.5
    assert c.stats.dropped == 90
    c.close(0)


async def test_an_event_loop_is_never_held_up(stub: Any) -> None:
    stub.default = "hang"
    c = client(stub.url, queue=QueueLimits(events=10), strict=False)
    start = time.monotonic()
    for _ in range(100):
        c.track("E", user_id="u")
    assert time.monotonic() - start < 0.5
    assert c.stats.dropped == 90
    assert not await c.aclose(0.1)


async def test_aflush_and_aclose_tell_what_they_achieved(stub: Any) -> None:
    async with client(stub.url) as c:
        sent = send(c, 5)
        assert await c.aflush()
        assert stub.ids == sent
        sent += send(c, 5)
    assert stub.ids == sent


def test_a_tight_loop_loses_nothing_with_the_defaults(stub: Any) -> None:
    c = Client("key", stub.url)
    sent = send(c, 20_000)
    assert c.close(30)
    assert stub.lost(sent) == 0
    assert stub.doubled == 0
    assert c.stats.dropped == 0


def test_after_close_events_are_dropped_and_counted(stub: Any) -> None:
    c = client(stub.url)
    send(c, 1)
    assert c.close()
    assert c.track("late", user_id="u") is None
    assert c.stats.reasons == {"the client was closed": 1}
    assert c.close()


def test_before_send_changes_and_drops(stub: Any) -> None:
    def scrub(event: dict[str, Any]) -> dict[str, Any] | None:
        if event["event"] == "E1":
            return None
        return {**event, "properties": {"scrubbed": True}}

    with client(stub.url, before_send=scrub) as c:
        results = [c.track(f"E{n}", {"n": n}, user_id="u") for n in range(3)]
    assert results[1] is None
    assert [event["properties"] for event in stub.accepted] == [{"scrubbed": True}] * 2
    assert c.stats.reasons == {"before_send": 1}


def test_a_broken_before_send_drops_and_counts(stub: Any) -> None:
    def broken(event: dict[str, Any]) -> None:
        raise KeyError("no")

    with client(stub.url, before_send=broken) as c:
        assert c.track("E", user_id="u") is None
    assert c.stats.reasons == {"before_send: KeyError: 'no'": 1}


def test_the_programs_own_transport_is_used() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.bodies: list[bytes] = []

        def send(self, path: str, headers: Any, body: bytes, timeout: float) -> Any:
            self.bodies.append(body)
            return type("Answer", (), {"status": 200, "headers": {}, "body": b"ok"})

    recorder = Recorder()
    with client("http://nowhere", transport=recorder, delivery=FAST._replace(gzip=False)) as c:
        send(c, 2)
    assert len(recorder.bodies) >= 1


def test_threads_share_a_client(stub: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with client(stub.url) as c, ThreadPoolExecutor(8) as pool:
        sent = [i for ids in pool.map(lambda _: send(c, 200), range(8)) for i in ids]
        assert c.flush(20)
    assert stub.lost(sent) == 0
    assert stub.doubled == 0
