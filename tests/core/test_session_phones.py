"""The phones' rules, table by table: what expires, which ids pass, what a restart finds."""

from __future__ import annotations

import json

import pytest

from sojourn.core.profiles import (
    ANDROID,
    FLUTTER,
    IOS,
    IOS_V2,
    KOTLIN,
    REACT_NATIVE,
    SWIFT,
    configure,
)
from sojourn.core.session import (
    EVENT,
    NEW,
    Background,
    Change,
    Close,
    EndSession,
    Foreground,
    Identify,
    Launch,
    OptOut,
    Reset,
    StartSession,
    record,
    restore,
    step,
)

T0 = 1_700_000_000_123
LAUNCH = Launch("a-1", "1.0.0", 1)
GIVEN = 1234567890
PHONES = {
    "android": ANDROID,
    "ios": IOS,
    "react-native": REACT_NATIVE,
    "flutter": FLUTTER,
    "kotlin": KOTLIN,
    "swift": SWIFT,
    "ios-v2": IOS_V2,
}


def play(profile, *script, state=NEW, now=T0):
    """Plays `(ms after T0, input)`; returns the state."""
    for after, given in script:
        state, _ = step(state, given, now + after, profile)
    return state


def restarted(state, before, after, at=0):
    """The next process, on what storage kept of this one; returns state and effect."""
    state, _ = step(state, Close(), T0 + at, before)
    stored = {key: value for key, value in record(state, before).items() if value is not None}
    found = restore(json.loads(json.dumps(stored)), after)
    return step(found, Launch("a-2", "1.0.0", 1), T0 + at, after)


# Timeout, and the first leap forward that ends the session. The last event is at T0, which is
# 123 ms into its second; iOS compares whole seconds.
EXPIRY = [
    ("android", 60_000, 60_001),
    ("android", 1_500, 1_501),
    ("android", 999, 1_000),
    ("android", -1, 300_001),
    ("android", None, 300_001),
    ("ios", 60_000, 60_877),
    ("ios", 1_500, 1_877),
    ("ios", 999, 877),
    ("ios", -1, 300_877),
    ("react-native", 60_000, 60_000),
    ("react-native", 0, 0),
    ("react-native", -1, 0),
    ("flutter", 60_000, 60_000),
    ("flutter", -5_000, 0),
    ("kotlin", 60_000, 60_001),
    ("kotlin", -1, 300_001),
    ("swift", 60_000, 60_001),
    ("ios-v2", 60_000, 59_877),
    ("ios-v2", 1_500, 877),
    ("ios-v2", 999, 0),
    ("ios-v2", -1, 299_877),
]


@pytest.mark.parametrize(("name", "timeout", "first"), EXPIRY)
def test_a_restart_ends_the_session_from_this_millisecond_on(name, timeout, first):
    policy = configure(PHONES[name], timeout_ms=timeout)
    state = play(policy, (0, LAUNCH), (0, EVENT))
    for leap, change in ((first - 1, Change.KEPT), (first, Change.STARTED)):
        if leap >= 0:
            assert restarted(state, policy, policy, leap)[1].change is change, leap


@pytest.mark.parametrize(("name", "timeout", "first"), EXPIRY)
def test_coming_back_ends_the_session_from_this_millisecond_on_too(name, timeout, first):
    policy = configure(PHONES[name], timeout_ms=timeout)
    away = ((0, Background()), (0, Foreground()), (0, Background()), (0, EVENT))
    for leap, change in ((first - 1, Change.KEPT), (first, Change.STARTED)):
        if leap < 0:
            continue
        # Events in the background are no activity on Swift, but going there is.
        state = play(policy, (0, LAUNCH), *away)
        _, effect = step(state, Foreground(), T0 + leap, policy)
        assert effect.change is change, leap


# How far the clock may be set back before a return ends the session (timeout 60 s), in ms.
# None: not at all, standing still ends it as well.
CLOCK_BACK = [
    ("android", 60_000),
    ("ios", 60_123),
    ("react-native", 59_999),
    ("flutter", 59_999),
    ("kotlin", None),
    ("swift", None),
    ("ios-v2", 59_123),
]


@pytest.mark.parametrize(("name", "most"), CLOCK_BACK)
def test_a_clock_set_back_counts_by_its_distance_or_ends_the_session(name, most):
    policy = configure(PHONES[name], timeout_ms=60_000)
    state = play(policy, (0, LAUNCH), (0, EVENT))
    if most is None:
        for back in (0, 1, 60_001):
            assert restarted(state, policy, policy, -back)[1].change is Change.STARTED
        return
    assert restarted(state, policy, policy, -most)[1].change is Change.KEPT
    assert restarted(state, policy, policy, -most - 1)[1].change is Change.STARTED


IDS = [
    (1_234_567_890, "all"),
    (9_876_543_210_123, "all"),
    (2**53 - 1, "all"),
    (2**63 - 1, "all but react-native"),
    (2**63, "swift"),
    (2**64 - 1, "swift"),
    (2**64, "none"),
    (-123_456_789, "all but swift"),
    (-12_345_678, "none"),
    (123_456_789, "none"),
    (0, "none"),
    (True, "none"),
    ("1234567890", "none"),
    (1_234_567_890.5, "none"),
]


@pytest.mark.parametrize("name", PHONES)
@pytest.mark.parametrize(("given", "where"), IDS)
def test_an_id_is_taken_or_changes_nothing(name, given, where):
    if name == "react-native" and isinstance(given, int) and abs(given) > 2**53:
        return  # JavaScript holds no such number
    profile = PHONES[name]
    taken = where == "all" or where == name or (where.startswith("all but") and name not in where)
    state = play(profile, (0, LAUNCH), (1, EVENT))
    after = play(profile, (2, StartSession(given)), state=state)
    assert after.session.id == (given if taken else state.session.id)
    assert after.process.on is not taken
    if name != "flutter" and not taken:
        assert after == state
    if name == "flutter" and not taken:  # its session no longer expires until the next launch
        assert after.session.kind.value == "manual"
        assert play(profile, (10**9, Background()), (10**9, Foreground()), state=after).session.id


AUTO = ((0, LAUNCH), (1, EVENT))
BY_HAND = ((0, LAUNCH), (1, StartSession(GIVEN)), (2, EVENT))
ENDED = ((0, LAUNCH), (1, EVENT), (2, EndSession()))
OLD_FOUR = ("android", "ios", "react-native", "flutter")
BEGINS, GOES_ON, NOTHING = "begins", "goes on", "nothing"


def outcome(script, name, first_auto, next_auto):
    """What the next process makes of it, started ten seconds later."""
    before = configure(PHONES[name], auto_track=first_auto)
    after = configure(PHONES[name], auto_track=next_auto)
    state = play(before, *script)
    later, effect = restarted(state, before, after, 10_000)
    if later.session.id is None:
        return NOTHING
    if effect.change is Change.STARTED:
        return BEGINS
    return GOES_ON if later.session.id == state.session.id else "another"


@pytest.mark.parametrize("name", PHONES)
def test_what_a_restart_finds(name):
    android = name in ("android", "ios")
    assert outcome(AUTO, name, True, True) == GOES_ON
    assert outcome(AUTO, name, True, False) == NOTHING
    assert outcome(BY_HAND, name, False, True) == BEGINS
    assert outcome(BY_HAND, name, False, False) == GOES_ON
    assert outcome(BY_HAND, name, True, True) == BEGINS
    assert outcome(BY_HAND, name, True, False) == (NOTHING if android else GOES_ON)
    assert outcome(ENDED, name, True, True) == (NOTHING if name == "flutter" else BEGINS)
    assert outcome(ENDED, name, True, False) == NOTHING
    assert outcome(ENDED, name, False, False) == NOTHING


@pytest.mark.parametrize("name", PHONES)
def test_a_start_that_nothing_announced_survives_the_process_on_the_new_ones(name):
    off = configure(PHONES[name], auto_track=False, lifecycle=False)
    state = play(off, (0, LAUNCH), (1, StartSession(GIVEN)))
    later, _ = restarted(state, off, off, 5)
    _, effect = step(later, EVENT, T0 + 6, off)
    assert effect.session_id == GIVEN
    assert effect.session_start is (name in ("kotlin", "swift"))


@pytest.mark.parametrize("name", PHONES)
def test_a_manual_session_outlasts_timeouts_the_background_and_resets_renew_it(name):
    profile = configure(PHONES[name], timeout_ms=1_000)
    away = [(10**6, Background()), (10**7, Foreground()), (2 * 10**7, Background())]
    state = play(profile, *BY_HAND, *away, (3 * 10**7, Foreground()))
    assert state.session.id == GIVEN
    state, effect = step(state, Reset("a-3"), T0 + 4 * 10**7, profile)
    assert effect.change is Change.STARTED
    state, effect = step(state, EVENT, T0 + 4 * 10**7, profile)
    assert (effect.session_id, effect.session_start) == ((T0 + 4 * 10**7) // 1000, True)
    state = play(profile, (10**9, Background()), (2 * 10**9, Foreground()), state=state)
    assert state.session.id == effect.session_id


@pytest.mark.parametrize("name", [*OLD_FOUR, "ios-v2"])
def test_opting_out_drops_events_but_sessions_end_and_begin_all_the_same(name):
    policy = configure(PHONES[name], timeout_ms=60_000)
    state = play(policy, *AUTO, (2, OptOut(True)))
    state, effect = step(state, EVENT, T0 + 59_000, policy)
    assert not effect.accepted
    counts = name in ("react-native", "flutter")
    later = restarted(state, policy, policy, 110_000)[1]
    assert later.change is (Change.KEPT if counts else Change.STARTED)
    assert later.emitted == ()
    state = play(policy, (3, StartSession(GIVEN)), (4, OptOut(False)), state=state)
    _, effect = step(state, EVENT, T0 + 5, policy)
    assert (effect.session_id, effect.session_start) == (GIVEN, True)


@pytest.mark.parametrize(
    ("name", "known", "given", "renews"),
    [
        ("kotlin", "u1", "u2", True),
        ("kotlin", "u1", "", True),
        ("kotlin", "u1", "u1", False),
        ("kotlin", "", "u1", False),
        ("swift", "u1", "u2", True),
        ("swift", "u1", "", False),
        ("swift", "", "u2", False),
        ("android", "u1", "u2", False),
        ("ios", "u1", "u2", False),
        ("react-native", "u1", "u2", False),
        ("flutter", "u1", "u2", False),
        ("ios-v2", "u1", "u2", False),
    ],
)
def test_another_person_renews_the_session_on_the_new_ones(name, known, given, renews):
    profile = PHONES[name]
    state = play(profile, *AUTO, (2, Identify(known, "a-3")))
    _, effect = step(state, Identify(given, "a-4"), T0 + 2_000, profile)
    assert (effect.change is Change.STARTED) is renews
    assert effect.session_start is renews
    off = configure(profile, auto_track=False)
    state = play(off, (0, LAUNCH), (1, Identify(known, "a-3")))
    assert step(state, Identify(given, "a-4"), T0 + 2_000, off)[1].change is Change.KEPT
