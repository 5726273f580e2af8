"""What was seen is known, whatever the order, the number of ids, and the restarts between."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.log import SqliteStateStore
from sojourn.pipeline.digests import SIZE, Digests
from sojourn.pipeline.seen import Seen, forget_ids

WINDOW = 8_000


class SetClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def now_ms(self) -> int:
        return self.now


def keys(start: int, end: int) -> list[bytes]:
    return [Seen.key("web", f"m-{number}") for number in range(start, end)]


def digest(number: int) -> bytes:
    """Many share their first half, which is what digests are sorted by."""
    return (number // 2).to_bytes(8, "little") + (number % 2).to_bytes(SIZE - 8, "little")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(0, 60), max_size=9), st.integers(0, 3_000))))
def test_digests_are_known_until_they_expire_and_not_much_longer(steps):
    digests, now, expiries = Digests(slack_ms=1_000), 0, {}
    everything = [digest(number * 2) for number in range(61)]
    for numbers, pause in steps:
        fresh = {digest(number * 2) for number in numbers} - digests.known(everything, now)
        digests.add(b"".join(fresh), now + WINDOW)
        expiries.update(dict.fromkeys(fresh, now + WINDOW))
        now += pause
        found = digests.known(everything, now)
        assert found >= {key for key, expiry in expiries.items() if expiry > now}
        assert found <= {key for key, expiry in expiries.items() if expiry + 1_000 > now}


def test_digests_that_share_a_half_are_not_taken_for_one_another():
    digests = Digests(slack_ms=0)
    digests.add(digest(6), 10)
    assert digests.known([digest(7)], 0) == set()
    assert digests.known([digest(6)], 0) == {digest(6)}


def test_ids_are_known_after_a_restart(tmp_path):
    clock = SetClock()
    for start in (0, 400, 800):  # together more lots than are read at a time
        state = SqliteStateStore(tmp_path / "state.db", clock)
        seen = Seen(state, clock, WINDOW)
        for number in range(start, start + 400):
            assert seen.known(keys(number - 2, number + 1)) == set(keys(max(0, number - 2), number))
            seen.remember(keys(number, number + 1))
        state.close()
    state = SqliteStateStore(tmp_path / "state.db", clock)
    assert Seen(state, clock, WINDOW).known(keys(0, 1_300)) == set(keys(0, 1_200))
    state.close()


def test_what_a_restart_finds_expired_is_forgotten_and_numbers_may_begin_anew(tmp_path):
    clock = SetClock()
    state = SqliteStateStore(tmp_path / "state.db", clock)
    Seen(state, clock, WINDOW).remember(keys(0, 10))
    clock.now += WINDOW
    seen = Seen(state, clock, WINDOW)
    assert seen.known(keys(0, 10)) == set()
    seen.remember(keys(5, 15))
    assert Seen(state, clock, WINDOW).known(keys(0, 20)) == set(keys(5, 15))
    state.close()


def test_forgotten_ids_are_in_no_store_and_the_others_stay_until_their_time(tmp_path):
    clock = SetClock()
    state = SqliteStateStore(tmp_path / "state.db", clock)
    seen = Seen(state, clock, WINDOW)
    for start in range(0, 100, 10):
        seen.remember(keys(start, start + 10))
    assert forget_ids(state, keys(35, 52) + keys(500, 510)) == 17
    assert forget_ids(state, keys(35, 52)) == 0
    seen.read_anew()
    assert seen.known(keys(0, 100)) == set(keys(0, 35)) | set(keys(52, 100))
    state.scrub()
    state.close()
    stored = (tmp_path / "state.db").read_bytes()
    assert keys(34, 35)[0] in stored
    assert not any(key in stored for key in keys(35, 52))
    clock.now += WINDOW
    state = SqliteStateStore(tmp_path / "state.db", clock)
    assert Seen(state, clock, WINDOW).known(keys(0, 100)) == set()
    state.close()
