"""Small durable state: what was put is there until it expires, whatever the keys are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.log import SqliteStateStore
from sojourn.testing.log_suite import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[SqliteStateStore]:
    store = SqliteStateStore(tmp_path / "state.db", clock)
    yield store
    store.close()


def test_values_come_back_by_space_and_key(store: SqliteStateStore) -> None:
    store.put("a", {"x": b"1", "y": b"", "z": b"\x00\xff"}, 0)
    store.put("b", {"x": b"2"}, 0)
    assert store.get("a", ["x", "y", "z", "none"]) == {"x": b"1", "y": b"", "z": b"\x00\xff"}
    assert store.get("b", ["x", "y"]) == {"x": b"2"}
    assert store.get("c", ["x"]) == {}
    assert store.get("a", []) == {}


def test_a_later_put_wins_and_a_delete_removes(store: SqliteStateStore) -> None:
    store.put("a", {"x": b"1", "y": b"1"}, 0)
    store.put("a", {"x": b"2"}, 0)
    store.delete("a", ["y", "never there"])
    store.delete("a", [])
    store.put("a", {}, 0)
    assert store.get("a", ["x", "y"]) == {"x": b"2"}


def test_values_expire_at_their_time(store: SqliteStateStore, clock: ManualClock) -> None:
    store.put("a", {"soon": b"1"}, clock.now + 1000)
    store.put("a", {"never": b"1"}, 0)
    clock.now += 999
    assert store.get("a", ["soon", "never"]).keys() == {"soon", "never"}
    clock.now += 1
    assert store.get("a", ["soon", "never"]).keys() == {"never"}
    store.put("a", {"soon": b"2"}, clock.now + 1000)
    assert store.get("a", ["soon"]) == {"soon": b"2"}


def test_expired_values_leave_the_file(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStateStore(tmp_path / "state.db", clock)
    for number in range(60):
        keys = {f"{number}-{n}": b"x" * 50 for n in range(1000)}
        store.put("seen", keys, clock.now + 5000)
        clock.now += 1000
    store.close()
    size = (tmp_path / "state.db").stat().st_size
    assert size < 4_000_000, "only the last few thousand are alive"


def test_state_outlives_the_process(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStateStore(tmp_path / "state.db", clock)
    store.put("a", {"x": b"1"}, 0)
    other = SqliteStateStore(tmp_path / "state.db", clock)
    assert other.get("a", ["x"]) == {"x": b"1"}, "no close was needed"
    for it in (store, other, other):
        it.close()


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec=None), max_size=6), st.binary(max_size=6)))
def test_any_text_is_a_key(values: dict[str, bytes]) -> None:
    store = SqliteStateStore(Path(":memory:"), ManualClock())
    store.put("a", values, 0)
    assert store.get("a", list(values)) == values
    store.delete("a", list(values))
    assert store.get("a", list(values)) == {}
    store.close()


def test_a_hundred_thousand_keys_are_one_quick_step(store: SqliteStateStore) -> None:
    keys = [f"{number * 7919 % 1_000_003:032x}" for number in range(100_000)]
    start = time.thread_time()
    store.put("seen", dict.fromkeys(keys, b""), 2**45)
    assert len(store.get("seen", keys)) == 100_000
    assert time.thread_time() - start < 2


def test_threads_may_share_a_store(store: SqliteStateStore) -> None:
    def work(name: str) -> None:
        for number in range(30):
            store.put("a", {f"{name}{number}": name.encode()}, 0)
            assert store.get("a", [f"{name}{number}"])

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.get("a", [f"{name}{n}" for name in "abcd" for n in range(30)])) == 120


def test_errors_are_of_the_tree(tmp_path: Path, clock: ManualClock) -> None:
    store = SqliteStateStore(tmp_path / "state.db", clock)
    store.close()
    for call in (
        lambda: store.get("a", ["x"]),
        lambda: store.put("a", {"x": b""}, 0),
        lambda: store.delete("a", ["x"]),
        lambda: SqliteStateStore(tmp_path / "none" / "state.db", clock),
    ):
        with pytest.raises(LogUnavailable):
            call()
    (tmp_path / "text").write_text("notes " * 1000)
    with pytest.raises(InvalidSettings):
        SqliteStateStore(tmp_path / "text", clock)
