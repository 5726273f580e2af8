"""What is stored of a session, and what is read back."""

from __future__ import annotations

import pytest

from sojourn.core.profiles import (
    IOS_V2,
    WEB,
    WEB_V1,
    configure,
)
from sojourn.core.session import (
    EVENT,
    NO_SESSION,
    Adopt,
    Change,
    Close,
    EndSession,
    Identify,
    Reason,
    Reset,
    SetAnonymousId,
    StartSession,
    changes,
    decode_session,
    encode_session,
    next_deadline,
    record,
    restore,
    session_id,
)

from .played import LAUNCH, T0, play


def test_a_manual_session_of_a_page_outlives_it_with_the_options_of_the_next_launch():
    state, _ = play(WEB, (0, LAUNCH), (0, StartSession()), (1, Close()))
    state, effect = play(WEB, (60, LAUNCH), state=state)
    assert effect.reason is Reason.STAYS_MANUAL
    assert encode_session(state.session, WEB) == {
        "id": T0,
        "timeout": 1_800_000,
        "manualTrack": True,
        "autoTrack": False,
    }
    off = configure(WEB, auto_track=False)
    state, _ = play(off, (60, LAUNCH), state=state)
    assert encode_session(state.session, WEB) == {
        "id": T0,
        "manualTrack": True,
        "autoTrack": False,
    }


def test_tabs_follow_each_other_by_storage_and_identify_by_both():
    first, _ = play(WEB, (0, LAUNCH), (0, Identify("u1")))
    ended = decode_session(None, WEB)
    assert ended == NO_SESSION
    state, effect = play(WEB, (1, Adopt(ended)), (1, EVENT), state=first)
    assert effect.session_id is None
    assert session_id(first, T0, WEB, ended) is None
    assert play(WEB, (1, Adopt(first.session)), state=first)[1].change is Change.KEPT
    _, effect = play(WEB, (2, Identify("u1", stored=ended)), state=first)
    assert (effect.change, effect.session_id) == (Change.ADOPTED, None)
    _, effect = play(WEB, (2, Identify("u2", stored=ended)), state=first)
    assert effect.change is Change.STARTED
    old, _ = play(WEB, (-60, LAUNCH))
    _, effect = play(WEB, (2, Identify("u1", stored=old.session)), state=first)
    assert effect.change is Change.STARTED
    _, effect = play(WEB, (2, Identify("u1", stored=first.session)), state=first)
    assert effect.change is Change.KEPT
    assert play(WEB, (2, EndSession()), state=state)[0] is state


def test_only_what_a_step_changed_is_written():
    state, _ = play(WEB, (0, LAUNCH))
    after, _ = play(WEB, (1, EVENT), state=state)
    assert list(changes(state, after, WEB)) == ["rl_session"]
    assert changes(after, after, WEB) == {}
    named, _ = play(WEB, (1, SetAnonymousId("mine")), state=after)
    assert changes(after, named, WEB) == {"rl_anonymous_id": "mine"}
    ended, _ = play(WEB, (2, EndSession()), state=after)
    assert changes(after, ended, WEB) == {"rl_session": None}


def test_a_session_that_is_renewed_to_the_same_record_is_written_all_the_same():
    """Storage may have lost it meanwhile: a new session is a new value."""
    state, _ = play(WEB, (0, LAUNCH))
    again, _ = play(WEB, (0, Reset("fresh")), state=state)
    assert again.session == state.session
    assert "rl_session" in changes(state, again, WEB)


def test_the_legacy_record_reads_as_its_sdk_means_it():
    state, _ = play(WEB_V1, (0, LAUNCH))
    stored = encode_session(state.session, WEB_V1)
    assert stored == {
        "id": T0,
        "expiresAt": T0 + 1_800_000,
        "autoTrack": True,
        "sessionStart": True,
    }
    assert decode_session(stored, WEB_V1).start is None
    assert decode_session({**stored, "sessionStart": False}, WEB_V1).start is False


@pytest.mark.parametrize(
    "damaged",
    [None, 1, "x", [], {}, {"id": None, "autoTrack": True}, {"id": 5}, {"id": 5, "autoTrack": 1}],
)
def test_a_damaged_record_counts_as_none(damaged):
    assert decode_session(damaged, WEB) == NO_SESSION


def test_a_record_with_odd_values_keeps_what_can_be_kept():
    odd = {"id": "text", "autoTrack": True, "expiresAt": "soon", "cutOff": {"enabled": True}}
    session = decode_session(odd, WEB)
    assert (session.id, session.last, session.cut_off) == ("text", None, None)
    assert encode_session(session, WEB) == {"id": "text", "timeout": 1_800_000, "autoTrack": True}
    assert next_deadline(play(WEB, (0, Adopt(session)))[0], WEB) is None


def test_a_phone_finds_its_state_under_its_own_keys():
    state, _ = play(IOS_V2, (0, LAUNCH))
    assert record(state, IOS_V2) == {
        "rl_session_id": T0 // 1000,
        "rl_last_event_time_stamp": T0 // 1000,
        "rl_session_auto_track_status": True,
        "rl_session_manual_track_status": None,
        "rs_application_version_key": "1.0",
        "rs_application_build_key": 7,
        "rs_opt_status": None,
        "rl_anonymous_id": "anonymous",
        "rl_user_id": None,
    }
    manual = restore({"rl_session_id": 1, "rl_session_manual_track_status": True}, IOS_V2)
    assert session_id(manual, T0, IOS_V2) == 1
    lost = restore({"rl_session_id": True, "rl_session_manual_track_status": True}, IOS_V2)
    assert session_id(lost, T0, IOS_V2) is None
