"""Suppressed users: by id, per source, until canceled, over restarts."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.erasure import fingerprint, scattered
from sojourn.core.events import clean_id
from sojourn.log import SqliteStateStore
from sojourn.log.clock import WallClock
from sojourn.pipeline.suppressions import SUPPRESS, Suppressions


def test_suppression_lasts_over_restarts_until_it_is_canceled(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = SqliteStateStore(path, WallClock())
    suppressions = Suppressions(state, WallClock())
    assert not suppressions
    everywhere = suppressions.add(SUPPRESS, ["anna", "bert"], created_by="me")
    in_shop = suppressions.add(SUPPRESS, ["carl"], ["shop"])
    assert suppressions("web", "anna")
    state.close()
    state = SqliteStateStore(path, WallClock())
    again = Suppressions(state, WallClock())
    assert again
    assert [again("web", one) for one in ("anna", "bert", "carl", "dora")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert again("shop", "carl")
    assert again.after(-1, 10) == [everywhere, in_shop]
    canceled = again.cancel(everywhere.id)
    assert canceled is not None
    assert canceled.canceled
    assert not again("web", "anna")
    assert again.cancel("none") is None
    assert Suppressions(state, WallClock()).after(-1, 10) == [canceled, in_shop]
    state.close()
    assert b"anna" not in path.read_bytes()


def test_hundreds_of_regulations_are_kept_in_order(tmp_path: Path) -> None:
    state = SqliteStateStore(tmp_path / "state.db", WallClock())
    suppressions = Suppressions(state, WallClock())
    made = [suppressions.add(SUPPRESS, [f"user-{number}"]) for number in range(450)]
    suppressions.cancel(made[201].id)
    again = Suppressions(state, WallClock())
    assert [one.id for one in again.after(-1, 1000)] == [one.id for one in made]
    assert [one.number for one in again.after(199, 3)] == [200, 201, 202]
    assert again("s", "user-449")
    assert not again("s", "user-201")
    assert again.find(made[3].id) == made[3]
    state.close()


def test_a_user_suppressed_twice_needs_two_cancellations(tmp_path: Path) -> None:
    state = SqliteStateStore(tmp_path / "state.db", WallClock())
    suppressions = Suppressions(state, WallClock())
    first, second = (suppressions.add(SUPPRESS, ["anna"]) for _ in range(2))
    suppressions.cancel(first.id)
    assert suppressions("web", "anna")
    suppressions.cancel(second.id)
    assert not suppressions("web", "anna")
    state.close()


def test_an_auditor_can_check_a_fingerprint() -> None:
    # printf %s user-17 | sha256sum
    expected = "9da2aeb24657b4660901810a3f2d705fd1a974daf0d42e0edb69055134572d72"
    assert fingerprint("user-17") == expected


def _like(pattern: str, text: str) -> bool:
    """SQL's LIKE, for patterns that begin and end with %."""
    at = 0
    for wanted in pattern.split("%"):
        for one in wanted:
            while at < len(text) and one not in ("_", text[at]):
                at += 1
            if at >= len(text):
                return False
            at += 1
    return True


@given(st.text(max_size=12))
def test_the_pattern_finds_every_spelling_of_an_id(text: str) -> None:
    assert _like(scattered(clean_id(text)), text)
