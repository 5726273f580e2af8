"""What holds for the session machine whatever happens, on every platform."""

from __future__ import annotations

import json
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.profiles import PROFILES, configure
from sojourn.core.session import (
    EVENT,
    NEW,
    TRANSITIONS,
    Adopt,
    Alias,
    Background,
    Change,
    Close,
    EndSession,
    Event,
    Foreground,
    Identify,
    Input,
    Kind,
    Launch,
    OptOut,
    Reset,
    SetAnonymousId,
    StartSession,
    changes,
    decode_session,
    next_deadline,
    record,
    restore,
    session_context,
    session_id,
    step,
)
from sojourn.core.session_rules import expiry, phase

START = 1_700_000_000_123
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.sampled_from(["", "60000", "x", "1e3", " 5 ", "-5", ".5", "1_0"]),
    st.lists(st.one_of(st.integers(), st.text(max_size=3)), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=1),
)
TIMEOUTS = st.one_of(st.sampled_from([None, 0, 1, 999, 1500, 60_000, -1]), ODD)
IDS = st.text("ab", min_size=1, max_size=2)
JSON = st.recursive(
    ODD, lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=5
)
SESSIONS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"id": st.one_of(st.just(START), JSON)},
        optional={
            "autoTrack": st.sampled_from([True, False, 1]),
            "manualTrack": st.sampled_from([True, False]),
            "expiresAt": st.one_of(st.integers(START - 9**9, START + 9**9), ODD),
            "timeout": st.one_of(st.integers(0, 10**7), ODD),
            "sessionStart": st.sampled_from([True, False, None, "x"]),
            "cutOff": st.one_of(
                JSON,
                st.fixed_dictionaries(
                    {"enabled": st.booleans(), "duration": st.one_of(st.integers(0, 10**8), ODD)},
                    optional={"expiresAt": st.integers(START, START + 10**8)},
                ),
            ),
        },
    ),
)


def made(kind, *values):
    return st.tuples(*values).map(lambda given_values: kind(*given_values))


PEOPLE = st.sampled_from(["", "u1", "u2"])
VERSIONS = st.sampled_from(["", "1.0", "1.1"])
INPUTS = st.one_of(
    made(Launch, IDS, VERSIONS, st.integers(1, 2), st.booleans()),
    made(Close, st.booleans()),
    made(Foreground),
    made(Background),
    made(Event, st.booleans()),
    st.just(EVENT),
    made(Identify, st.one_of(st.none(), PEOPLE), IDS),
    made(Alias, PEOPLE),
    made(Reset, IDS, st.sampled_from([None, True, False]), st.booleans(), st.booleans()),
    made(StartSession, st.one_of(st.none(), st.integers(10**9, 10**13), ODD)),
    made(EndSession),
    made(OptOut, st.booleans()),
    made(SetAnonymousId, IDS),
)


@st.composite
def policies(draw):
    return configure(
        PROFILES[draw(st.sampled_from(sorted(PROFILES)))],
        auto_track=draw(st.sampled_from([None, True, True, False, "no"])),
        timeout_ms=draw(TIMEOUTS),
        cut_off_ms=draw(st.one_of(st.none(), st.integers(0, 10**7), ODD)),
        cut_off_enabled=draw(st.sampled_from([None, True, False, 1])),
        lifecycle=draw(st.sampled_from([None, True, False])),
        background_updates=draw(st.booleans()),
        scenes=draw(st.booleans()),
        caller_may_override=draw(st.booleans()),
    )


@st.composite
def stories(draw):
    """A policy, and inputs with their instants; the clock is set back at times."""
    policy = draw(policies())
    ticks = st.one_of(st.sampled_from([0, 0, 1, 999, 1000, 60_000, 300_000]), st.integers(0, 10**7))
    story, now = [(Launch("first", "1.0", 1), START)], START
    inputs = INPUTS
    if policy.keys.session:
        found = SESSIONS.map(lambda value: decode_session(value, policy))
        inputs |= found.map(Adopt) | found.map(lambda session: Identify("u2", "x", session))
    for given_input in draw(st.lists(inputs, max_size=10)):
        now += draw(ticks) * draw(st.sampled_from([1, 1, 1, 1, 1, -1]))
        story.append((given_input, now))
    return policy, story


def play(policy, story, state=NEW):
    for given_input, now in story:
        state, _ = step(state, given_input, now, policy)
    return state


def test_the_table_is_total_over_inputs_and_what_goes_on():
    assert set(TRANSITIONS) == set(typing.get_args(Input))
    assert all(set(by_kind) == set(Kind) for by_kind in TRANSITIONS.values())


@given(stories(), SESSIONS)
def test_no_input_raises_on_any_stored_state(told, stored):
    policy, story = told
    values = dict.fromkeys(vars(policy.keys).values(), stored)
    state = play(policy, story, restore(values, policy))
    json.dumps(record(state, policy), default=str)
    session_id(state, START, policy)
    next_deadline(state, policy)


@given(st.dictionaries(st.text(max_size=12), JSON), policies())
def test_no_stored_values_raise(values, policy):
    restore(values, policy)


@given(stories())
def test_the_same_story_ends_the_same(told):
    policy, story = told
    first, second = NEW, NEW
    for given_input, now in story:
        first, one = step(first, given_input, now, policy)
        second, other = step(second, given_input, now, policy)
        assert (first, one) == (second, other)


@given(stories())
def test_the_session_id_changes_only_on_an_effect_that_says_so(told):
    policy, story = told
    state = NEW
    for given_input, now in story:
        before = state
        state, effect = step(state, given_input, now, policy)
        if effect.change is Change.KEPT:
            assert state.session.id == before.session.id
        elif effect.change is Change.STARTED:
            assert state.session.id is not None
        elif effect.change is Change.ENDED:
            assert state.session.id is None
        else:
            assert isinstance(given_input, (Adopt, Identify))


@given(stories())
def test_a_transition_gives_only_the_reasons_that_it_declares(told):
    policy, story = told
    state = NEW
    for given_input, now in story:
        transition = TRANSITIONS[type(given_input)][phase(state)]
        state, effect = step(state, given_input, now, policy)
        assert effect.reason in transition.reasons


@given(stories())
def test_a_start_is_announced_once_and_only_with_a_session(told):
    policy, story = told
    state, pending = NEW, True
    for given_input, now in story:
        state, effect = step(state, given_input, now, policy)
        stamps = [(one.session_id, one.session_start) for one in effect.emitted]
        stamps.append((effect.session_id, effect.session_start))
        if effect.change in (Change.STARTED, Change.ADOPTED) or isinstance(given_input, Close):
            pending = True
        for number, start in stamps:
            assert number is not None or not start
            assert not start or pending or effect.change is Change.STARTED
            pending = pending and not start


@given(stories(), st.integers(1, 10**9))
def test_the_deadline_is_right_to_the_tick(told, later):
    policy, story = told
    state = play(policy, story)
    deadline = next_deadline(state, policy)
    if deadline is None:
        return
    session = state.session
    assert deadline > session.last
    assert deadline == session.last + 1 or expiry(session, deadline - 1, policy) is None
    assert expiry(session, deadline, policy) is not None
    assert expiry(session, deadline + later, policy) is not None
    if policy.expires_in_use and not state.opted_out:
        assert step(state, EVENT, deadline, policy)[1].change is Change.STARTED
        if deadline > session.last + 1:
            assert step(state, EVENT, deadline - 1, policy)[1].change is Change.KEPT
        assert session_id(state, deadline, policy) is None
    elif not policy.expires_in_use:
        due = state._replace(
            process=state.process._replace(was_background=True, opened=True, returned=True)
        )
        looks = policy.lifecycle or not policy.foreground_needs_lifecycle
        renewed = step(due, Foreground(), deadline, policy)[1].change is Change.STARTED
        assert renewed == looks


@given(stories())
def test_what_is_stored_comes_back(told):
    policy, story = told
    state = play(policy, story)
    stored = json.loads(json.dumps(record(state, policy)))
    again = restore({key: value for key, value in stored.items() if value is not None}, policy)
    assert record(again, policy) == record(state, policy)


@given(stories(), policies())
def test_the_next_process_does_as_if_it_had_the_closed_state(told, options):
    policy, story = told
    then = policy.with_options(auto_track=options.auto_track, timeout_ms=options.timeout_ms)
    now = story[-1][1]
    state = play(policy, story)
    closed, _ = step(state, Close(), now, policy)
    again = restore(json.loads(json.dumps(record(state, policy))), policy)
    for given_input in (Launch("x", "1.0", 1), EVENT, Background(), Foreground(), EVENT):
        closed, one = step(closed, given_input, now, then)
        again, other = step(again, given_input, now, then)
        assert one == other


@given(stories())
def test_writing_the_changes_of_each_step_keeps_storage_in_step(told):
    policy, story = told
    state, stored = NEW, dict(record(NEW, policy))
    for given_input, now in story:
        before = state
        state, _ = step(state, given_input, now, policy)
        stored.update(changes(before, state, policy))
        assert stored == record(state, policy)


@given(stories(), st.dictionaries(st.sampled_from(["sessionId", "sessionStart", "app"]), JSON))
def test_the_sdks_session_keys_win_and_the_callers_context_stays_as_it_was(told, context):
    policy, story = told
    policy = policy.with_options(caller_may_override=False)
    state, copy = play(policy, story), dict(context)
    _, effect = step(state, EVENT, story[-1][1], policy)
    merged = session_context(context, effect, policy)
    assert str(context) == str(copy)
    if effect.session_id is not None:
        assert merged["sessionId"] is effect.session_id
        assert merged.get("sessionStart", False) is effect.session_start


@settings(max_examples=20)
@pytest.mark.parametrize("name", sorted(PROFILES))
@given(timeout=ODD, cut_off=ODD)
def test_no_option_raises_on_any_platform(name, timeout, cut_off):
    policy = configure(PROFILES[name], timeout_ms=timeout, cut_off_ms=cut_off)
    assert isinstance(policy.timeout_ms, int)
    assert policy.cut_off_ms is None or policy.cut_off_ms >= 0
