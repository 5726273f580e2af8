"""What goes into the log comes out of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.envelope import (
    DeadLetter,
    RequestMeta,
    pack_dead,
    pack_events,
    pack_request,
    unpack_dead,
    unpack_events,
    unpack_request,
)
from sojourn.core.ports import Batch

LINES = st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")).filter(bool)
"""Events: never empty, for an empty line stands for an erased one."""


@given(st.text(), st.binary())
def test_a_request_comes_back_with_its_body_byte_for_byte(text, body):
    text = text.encode("utf-8", "replace").decode()
    meta = RequestMeta(text, 1_700_000_000_000, "::1", "batch", "b-1")
    assert unpack_request(pack_request(meta, body)) == (meta, body)


@given(st.lists(LINES))
def test_events_come_back_in_their_order(events):
    batch = Batch("source", 1_700_000_000_000, events)
    assert unpack_events(pack_events(batch)) == batch


@given(st.binary())
def test_a_dead_letter_comes_back_with_the_event_as_it_was(event):
    letter = DeadLetter("source", 1_700_000_000_000, "warehouse", "no table\nfits", event)
    assert unpack_dead(pack_dead(letter)) == letter
