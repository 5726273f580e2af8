"""What the session machine promises to those who build on it."""

from __future__ import annotations

import pytest

from sojourn.core.profiles import (
    ANDROID,
    DESKTOP,
    FLUTTER,
    IOS,
    IOS_V2,
    KOTLIN,
    PROFILES,
    REACT_NATIVE,
    SERVER,
    SWIFT,
    WEB,
    configure,
)
from sojourn.core.session import (
    EVENT,
    NEW,
    Alias,
    Background,
    Change,
    Close,
    EndSession,
    Foreground,
    Identify,
    Reason,
    Reset,
    StartSession,
    next_deadline,
    session_id,
)

from .played import LAUNCH, MINUTE, T0, play, stamp


def test_a_desktop_program_has_sessions_like_a_page_with_its_own_timeout():
    policy = configure(DESKTOP, timeout_ms=120_000)
    state, effect = play(policy, (0, LAUNCH), (1, EVENT))
    assert stamp(effect) == (T0, True)
    state, effect = play(policy, (3, EVENT), state=state)
    assert stamp(effect) == (T0, False)
    _, effect = play(policy, (5.001, EVENT), state=state)
    assert effect.reason is Reason.TIMEOUT
    assert stamp(effect) == (T0 + 5 * MINUTE + 60, True)


def test_a_server_tracks_no_sessions_by_itself_but_takes_manual_ones():
    state, effect = play(SERVER, (0, LAUNCH), (1, EVENT))
    assert effect.reason is Reason.NONE
    assert effect.session_id is None
    state, effect = play(SERVER, (2, StartSession(1234567890)), (3, EVENT), state=state)
    assert stamp(effect) == (1234567890, True)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_manual_session_never_expires(name):
    policy = configure(PROFILES[name])
    script = [(0, LAUNCH), (0, StartSession(9876543210)), (0, EVENT), (10**6, Background())]
    state, _ = play(policy, *script)
    state, effect = play(policy, (2 * 10**6, Foreground()), (2 * 10**6, EVENT), state=state)
    assert effect.session_id == 9876543210
    assert next_deadline(state, policy) is None


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_user_who_never_ran_it_has_no_session_and_no_deadline(name):
    policy = PROFILES[name]
    assert session_id(NEW, T0, policy) is None
    assert next_deadline(NEW, policy) is None
    assert next_deadline(play(policy, (0, StartSession()))[0], policy) is None


def test_the_session_id_is_in_milliseconds_on_the_web_and_in_seconds_on_phones():
    assert session_id(play(WEB, (0, LAUNCH))[0], T0, WEB) == T0
    assert session_id(play(SWIFT, (0, LAUNCH))[0], T0, SWIFT) == T0 // 1000


def test_on_the_web_the_expired_session_reads_as_none_and_a_phone_still_shows_it():
    for policy, late in ((WEB, None), (KOTLIN, T0 // 1000)):
        state, _ = play(policy, (0, LAUNCH))
        assert session_id(state, T0 + 60 * MINUTE, policy) == late


def test_the_maximum_duration_ends_a_session_that_is_in_use():
    policy = configure(WEB, cut_off_ms=3_600_000)
    state, _ = play(policy, (0, LAUNCH), (29, EVENT), (58, EVENT))
    assert next_deadline(state, policy) == T0 + 3_600_000 + 1
    state, effect = play(policy, (61, EVENT), state=state)
    assert effect.reason is Reason.CUT_OFF
    assert effect.change is Change.STARTED
    assert state.session.cut_off.expires_at == T0 + 121 * MINUTE


def test_a_clock_set_back_expires_sessions_where_the_platform_distrusts_it():
    for policy, expires in ((KOTLIN, True), (SWIFT, True), (REACT_NATIVE, False), (WEB, False)):
        state, _ = play(policy, (0, LAUNCH), (1, Background()))
        _, effect = play(policy, (-1, Foreground()), state=state)
        assert (effect.change is Change.STARTED) is expires
    state, _ = play(ANDROID, (0, LAUNCH), (1, Background()))
    assert play(ANDROID, (-5, Foreground()), state=state)[1].reason is Reason.TIMEOUT


def test_ios_counts_whole_seconds():
    policy = configure(IOS, timeout_ms=1_500)
    state, _ = play(policy, (0, LAUNCH))
    assert next_deadline(state, policy) == T0 + 2_000


def test_another_person_gets_another_session_and_keeps_the_browsers_anonymous_id():
    state, _ = play(WEB, (0, LAUNCH), (1, Identify("u1", "fresh")))
    state, effect = play(WEB, (2, Identify("u2")), state=state)
    assert effect.reason is Reason.USER_CHANGE
    assert stamp(effect) == (T0 + 2 * MINUTE, True)
    assert (state.user_id, state.anonymous_id) == ("u2", "anonymous")
    state, effect = play(WEB, (3, Identify(None)), (3, Identify("")), state=state)
    assert effect.change is Change.KEPT
    assert state.user_id == ""


def test_kotlin_renews_the_anonymous_id_with_the_person_and_counts_an_empty_one():
    state, _ = play(KOTLIN, (0, LAUNCH), (1, Identify("u1")), (2, Identify("", "fresh")))
    assert (state.user_id, state.anonymous_id) == ("", "fresh")
    assert state.session.id == T0 // 1000 + 120


def test_an_alias_is_the_person_from_then_on_where_the_platform_says_so():
    for policy, known in ((SWIFT, "u2"), (WEB, "u1")):
        state, _ = play(policy, (0, LAUNCH), (1, Identify("u1")), (2, Alias("u2")))
        assert state.user_id == known


def test_a_reset_can_leave_parts_alone():
    state, _ = play(WEB, (0, LAUNCH), (1, Identify("u1")))
    state, effect = play(WEB, (2, Reset("fresh", session=False, user=False)), state=state)
    assert (state.session.id, state.user_id, state.anonymous_id) == (T0, "u1", "anonymous")
    assert effect.change is Change.KEPT
    state, _ = play(WEB, (3, Reset("fresh", renew_anonymous_id=True)), state=state)
    assert (state.user_id, state.anonymous_id) == ("", "fresh")
    assert state.session.id == T0 + 3 * MINUTE
    assert play(KOTLIN, (0, LAUNCH), (1, Reset("new")))[0].anonymous_id == "new"


def test_a_refused_session_id_starts_nothing_on_phones_and_the_clock_on_the_web():
    state, effect = play(WEB, (0, LAUNCH), (1, StartSession("1234567890")))
    assert (effect.reason, state.session.id) == (Reason.REFUSED_CLOCK, T0 + MINUTE)
    state, effect = play(ANDROID, (0, LAUNCH), (1, StartSession(5)))
    assert (effect.reason, state.session.id) == (Reason.REFUSED, T0 // 1000)
    assert next_deadline(state, ANDROID) is not None


def test_flutter_loses_its_automatic_session_to_a_refused_id():
    state, _ = play(FLUTTER, (0, LAUNCH), (1, StartSession(5)))
    assert next_deadline(state, FLUTTER) is None
    ended, effect = play(FLUTTER, (0, LAUNCH), (1, EndSession()), (2, StartSession(5)))
    assert effect.reason is Reason.REFUSED
    assert ended.session.id is None


def test_flutter_begins_a_session_after_an_end_once_the_old_one_would_be_over():
    state, _ = play(FLUTTER, (0, LAUNCH), (1, EndSession()), (2, EVENT), (3, Background()))
    assert state.session.id is None
    _, effect = play(FLUTTER, (60, Foreground()), state=state)
    assert effect.emitted[0].session_start


def test_swift_counts_an_announced_end_and_ios_v2_forgets_after_a_reset():
    state, _ = play(SWIFT, (0, LAUNCH), (4, Close(announced=True)))
    assert state.session.last == T0 + 4 * MINUTE
    state, _ = play(IOS_V2, (0, LAUNCH), (1, Reset("x")), (2, Close()))
    assert state.session.last is None
    state, _ = play(IOS_V2, (0, LAUNCH), (1, StartSession()), (1, Reset("x")), (2, Close()))
    assert state.session.last is None
