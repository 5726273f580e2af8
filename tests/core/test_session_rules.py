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
    WEB_V1,
    configure,
)
from sojourn.core.session import (
    EVENT,
    NEW,
    NO_SESSION,
    Adopt,
    Alias,
    Background,
    Change,
    Close,
    EndSession,
    Event,
    Foreground,
    Identify,
    Launch,
    OptOut,
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
    session_context,
    session_id,
    step,
)

T0 = 1_700_000_000_000
MINUTE = 60_000
LAUNCH = Launch("anonymous", "1.0", 7)


def play(policy, *script, state=NEW):
    """Plays (minutes, input) pairs; returns the state and the last effect."""
    effect = None
    for minutes, given in script:
        state, effect = step(state, given, T0 + int(minutes * MINUTE), policy)
    return state, effect


def stamp(effect):
    return effect.session_id, effect.session_start


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


def test_opting_out_drops_events_and_keeps_the_session():
    state, _ = play(ANDROID, (0, LAUNCH), (1, OptOut(True)))
    state, effect = play(ANDROID, (2, EVENT), state=state)
    assert (effect.accepted, effect.reason) == (False, Reason.OPTED_OUT)
    assert play(ANDROID, (3, Background()), state=state)[1].emitted == ()
    assert record(state, ANDROID)["rl_opt_status"] is True
    manual, _ = play(ANDROID, (2, StartSession()), state=state)
    none, _ = play(ANDROID, (2, EndSession()), state=state)
    for opted_out in (manual, none):
        assert not play(ANDROID, (3, EVENT), state=opted_out)[1].accepted
        assert not play(ANDROID, (3, Identify("u")), state=opted_out)[1].accepted
        assert play(ANDROID, (3, Alias("u")), state=opted_out)[0].user_id == ""


def test_dropped_calls_keep_a_session_alive_where_the_platform_counts_them():
    for policy, last in ((REACT_NATIVE, T0 + 2 * MINUTE), (ANDROID, T0)):
        state, _ = play(policy, (0, LAUNCH), (1, OptOut(True)), (2, EVENT))
        assert state.session.last == last


def test_blank_calls_are_dropped_on_ios_v2_only():
    state, _ = play(IOS_V2, (0, LAUNCH))
    for given in (Event(True), Identify(""), Alias("")):
        assert play(IOS_V2, (1, given), state=state)[1].reason is Reason.BLANK
    assert play(IOS_V2, (1, EndSession()), (1, Event(True)), state=state)[1].reason is Reason.BLANK
    manual = (1, StartSession()), (1, Event(True))
    assert play(IOS_V2, *manual, state=state)[1].reason is Reason.BLANK
    for script in ([], [(1, StartSession())], [(1, EndSession())]):
        assert play(WEB, (0, LAUNCH), *script, (2, Event(True)))[1].accepted


def test_install_update_and_open_are_told_by_the_client_itself():
    state, effect = play(ANDROID, (0, LAUNCH))
    assert [(one.name, one.properties) for one in effect.emitted] == [
        ("Application Installed", {"version": "1.0", "build": 7}),
        ("Application Opened", {"from_background": False, "version": "1.0"}),
    ]
    assert [one.session_start for one in effect.emitted] == [True, False]
    state, _ = play(ANDROID, (1, Close()), state=state)
    _, effect = play(ANDROID, (2, Launch("x", "1.1", 8)), state=state)
    assert effect.emitted[0].name == "Application Updated"
    assert effect.emitted[0].properties["previous_build"] == 7
    _, effect = play(ANDROID, (2, Launch("x", "1.1", 7)), state=state)
    assert [one.name for one in effect.emitted] == ["Application Opened"]


def test_a_program_without_a_version_is_opened_but_not_installed():
    _, effect = play(configure(DESKTOP, lifecycle=True), (0, Launch("anonymous")))
    assert [(one.name, one.properties) for one in effect.emitted] == [
        ("Application Opened", {"from_background": False})
    ]


def test_lifecycle_events_of_a_desktop_program_renew_an_expired_session():
    policy = configure(DESKTOP, lifecycle=True)
    state, _ = play(policy, (0, LAUNCH))
    state, effect = play(policy, (1, Background()), (60, Foreground()), state=state)
    assert (effect.reason, effect.change) == (Reason.TIMEOUT, Change.STARTED)
    assert effect.emitted[0].properties == {"from_background": True}
    assert effect.emitted[0].session_start


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


def test_swift_counts_an_announced_end_and_ios_v2_forgets_after_a_reset():
    state, _ = play(SWIFT, (0, LAUNCH), (4, Close(announced=True)))
    assert state.session.last == T0 + 4 * MINUTE
    state, _ = play(IOS_V2, (0, LAUNCH), (1, Reset("x")), (2, Close()))
    assert state.session.last is None
    state, _ = play(IOS_V2, (0, LAUNCH), (1, StartSession()), (1, Reset("x")), (2, Close()))
    assert state.session.last is None


def test_events_in_the_background_count_on_swift_only_with_the_option():
    for option, last in ((False, T0 + MINUTE), (True, T0 + 2 * MINUTE)):
        policy = configure(SWIFT, background_updates=option)
        state, _ = play(policy, (0, LAUNCH), (1, Background()), (2, EVENT))
        assert state.session.last == last


def test_the_sdks_keys_win_over_a_caller_unless_told_otherwise():
    state, _ = play(WEB, (0, LAUNCH))
    caller = {"sessionId": 42, "sessionStart": True, "app": 1}
    state, first = play(WEB, (0, EVENT), state=state)
    _, second = play(WEB, (0, EVENT), state=state)
    assert session_context(caller, first, WEB) == {"sessionId": T0, "sessionStart": True, "app": 1}
    assert session_context(caller, second, WEB) == {"sessionId": T0, "app": 1}
    assert session_context(None, second, WEB) == {"sessionId": T0}
    _, none = play(SERVER, (0, LAUNCH), (0, EVENT))
    assert session_context(caller, none, SERVER) == caller


def test_a_caller_may_override_as_far_as_the_platforms_sdk_lets_it():
    caller = {"sessionId": {"x": 1}, "sessionStart": 5, "gone": None}
    for profile, expected in (
        (WEB, {"sessionId": {"x": 1}, "sessionStart": 5}),
        (ANDROID, {"sessionId": {"x": 1}}),
        (KOTLIN, {"sessionId": T0 // 1000, "sessionStart": 5}),
    ):
        policy = configure(profile, caller_may_override=True)
        state, _ = play(policy, (0, LAUNCH), (0, EVENT))
        _, effect = play(policy, (0, EVENT), state=state)
        assert session_context(caller, effect, policy) == expected
