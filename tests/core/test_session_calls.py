"""What calls do to a session, and what a session puts into events."""

from __future__ import annotations

from sojourn.core.profiles import (
    ANDROID,
    DESKTOP,
    IOS_V2,
    KOTLIN,
    REACT_NATIVE,
    SERVER,
    SWIFT,
    WEB,
    configure,
)
from sojourn.core.session import (
    EVENT,
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
    StartSession,
    record,
    session_context,
)

from .played import LAUNCH, MINUTE, T0, play


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
