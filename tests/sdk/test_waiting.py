"""Events that wait, in memory and on disk: in order, counted, kept."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn import Client, Delivery, QueueLimits
from sojourn.sdk import journal
from sojourn.sdk.outbox import FULL, Outbox

FAST = Delivery(interval=0.01, max_backoff=0.05)


def desktop(url: str, folder: Path, **more: Any) -> Client:
    return Client("key", url, profile="desktop", storage=folder, delivery=FAST, **more)


def test_a_journal_gives_back_what_was_not_settled(tmp_path: Path) -> None:
    own = journal.create(tmp_path, "tag")
    events = [b'{"n":%d' % n for n in range(10)]
    for event in events:
        own.append(event)
    assert own.read(3, 1000) == events[:3]
    own.settle()
    assert own.read(100, 25) == events[3:6]
    assert journal.adopt(tmp_path, "tag") == []  # its owner lives
    own.release()
    (left,) = journal.adopt(tmp_path, "tag")
    assert left.count() == 7
    assert left.read(100, 1 << 20) == events[3:]
    assert left.read(100, 1 << 20) == []
    left.settle()
    left.close()
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_never_finished_is_passed_over(tmp_path: Path) -> None:
    own = journal.create(tmp_path, "tag")
    own.append(b'{"n":1')
    own.release()
    with own.path.open("ab") as file:
        file.write(b'{"n":2')
    (left,) = journal.adopt(tmp_path, "tag")
    assert left.read(10, 1000) == [b'{"n":1']
    assert left.read(10, 1000) == []
    left.settle()
    left.close()
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tag-1-x.queue").write_bytes(b"something else\n" * 5)
    (tmp_path / "other-1-x.queue").write_bytes(b"%020d\n" % 21)
    assert journal.adopt(tmp_path, "tag") == []
    assert len(list(tmp_path.iterdir())) == 2


def test_a_journal_in_constant_use_does_not_grow(tmp_path: Path) -> None:
    own = journal.create(tmp_path, "tag")
    event = b'{"text":"' + b"x" * 10_000 + b'"'
    own.append(event)
    for _ in range(2000):
        own.append(event)
        assert own.read(1, 1000) == [event]
        own.settle()
        assert own.size < 4 << 20
    assert own.read(10, 1 << 20) == [event]
    assert own.read(10, 1 << 20) == []
    own.settle()
    own.close()
    assert list(tmp_path.iterdir()) == []


def never() -> bool:
    return False


def drain(outbox: Outbox) -> list[bytes]:
    from collections import Counter

    taken: list[bytes] = []
    while True:
        outbox.close()
        _, batch = outbox.poll(1000, 0)
        if not batch:
            return taken
        taken += batch
        outbox.settle(len(batch), Counter(), Counter())


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["put", "take"]), max_size=60), st.integers(1, 5))
def test_order_is_kept_whether_events_wait_in_memory_or_on_disk(
    tmp_path: Path, script: list[str], limit: int
) -> None:
    from collections import Counter

    outbox = Outbox(QueueLimits(events=limit), 2, tmp_path, "tag")
    put: list[bytes] = []
    taken: list[bytes] = []
    for action in script:
        if action == "put":
            event = b'{"n":%d' % len(put)
            assert outbox.put(event, never)
            put.append(event)
        else:
            _, batch = outbox.poll(1000, 0)
            taken += batch
            outbox.settle(len(batch), Counter(), Counter())
    assert outbox.stats().queued == len(put) - len(taken)
    assert taken + drain(outbox) == put
    assert outbox.abandon() == 0


def test_events_beyond_memory_wait_on_disk_and_all_arrive(stub: Any, tmp_path: Path) -> None:
    stub.default = 503
    c = desktop(stub.url, tmp_path, queue=QueueLimits(events=50))
    sent = [c.track(f"E{n}") for n in range(3000)]
    assert all(sent)
    assert c.stats.queued == 3000
    stub.default = 200
    assert c.close(20)
    assert stub.ids == sent
    assert list(tmp_path.glob("*.queue")) == []


def test_a_full_disk_is_counted(stub: Any, tmp_path: Path) -> None:
    stub.default = "hang"
    c = desktop(stub.url, tmp_path, queue=QueueLimits(events=10, disk_bytes=20_000))
    for _ in range(200):
        c.track("E")
    stats = c.stats
    assert 0 < stats.dropped < 190
    assert stats.reasons == {"the disk store was full": stats.dropped}
    assert stats.queued == 200 - stats.dropped
    c.close(0)


def test_a_disk_that_fails_leaves_memory(stub: Any, tmp_path: Path) -> None:
    stub.answers = [503]
    c = desktop(stub.url, tmp_path)
    assert c.track("one")

    def broken(event: bytes) -> None:
        raise OSError("no space left on device")

    c._dispatcher._outbox._disk._own.append = broken  # type: ignore[attr-defined]
    assert c.track("two")
    assert "no space left" in str(c.stats.last_error) or stub.requests
    assert c.close(10)
    assert stub.names == ["one", "two"]


def test_closing_without_delivery_counts_what_is_on_no_disk(dead_url: str, tmp_path: Path) -> None:
    memory = Client("key", dead_url, delivery=FAST)
    memory.track("E", user_id="u")
    assert not memory.close(0.1)
    assert memory.stats.dropped == 1
    disk = desktop(dead_url, tmp_path)
    disk.track("E")
    assert not disk.close(0.1)
    assert disk.stats.dropped == 0
    assert len(list(tmp_path.glob("*.queue"))) == 1


def test_the_reason_of_a_full_queue_is_stable() -> None:
    assert FULL == "the queue was full"


def test_what_was_left_comes_before_what_is_new(stub: Any, dead_url: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        c = desktop(dead_url, tmp_path)
        for n in range(150):
            c.track(f"{name} {n}")
        assert not c.close(0.05)
    assert len(list(tmp_path.glob("*.queue"))) == 2
    with desktop(stub.url, tmp_path) as c:
        c.track("three")
        assert c.stats.queued == 301
        assert c.flush(10)
        assert c.stats.sent == 301
    expected = [f"{name} {n}" for name in ("one", "two") for n in range(150)]
    assert stub.names == [*expected, "three"]
    assert list(tmp_path.glob("*.queue")) == []


def test_a_disk_that_fails_under_the_sender_costs_a_moment(
    stub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [OSError("input/output error")]
    settle = journal.Journal.settle

    def once(self: journal.Journal) -> None:
        if broken:
            raise broken.pop()
        settle(self)

    monkeypatch.setattr(journal.Journal, "settle", once)
    c = desktop(stub.url, tmp_path)
    c.track("one")
    assert c.flush(10)
    c.track("two")
    assert c.close(10)
    assert stub.names == ["one", "two"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_the_owner_may_read_what_is_stored(dead_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    c = desktop(dead_url, folder)
    c.track("E")
    assert folder.stat().st_mode & 0o777 == 0o700
    files = list(folder.iterdir())
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    c.close(0)


def test_the_end_waits_for_no_retry_after_where_the_disk_has_all(
    stub: Any, tmp_path: Path, eventually: Any
) -> None:
    import time

    stub.default = (429, {"Retry-After": "100"}, "")
    c = desktop(stub.url, tmp_path)
    c.track("E")
    eventually(lambda: c.stats.retried)
    start = time.monotonic()
    assert not c.close(5)
    assert time.monotonic() - start < 2
    assert len(stub.requests) == 1
    assert c.stats.dropped == 0


def _make_and_adopt(folder: Path, together: Any, taken: Any) -> None:
    for _ in range(100):
        together.wait(60)
        own = journal.create(folder, "tag")
        left = journal.adopt(folder, "tag")
        together.wait(60)
        if not own.path.exists() or any(other.path == own.path for other in left):
            taken.release()
        for other in left:
            other.close()
        together.wait(60)
        if not own.path.exists():
            taken.release()
        own.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_no_process_takes_the_file_that_another_has_just_made(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    together, taken = context.Barrier(4), context.Semaphore(0)
    makers = [
        context.Process(target=_make_and_adopt, args=(tmp_path, together, taken)) for _ in range(4)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(120)
    assert [maker.exitcode for maker in makers] == [0] * 4
    assert not taken.acquire(block=False)
