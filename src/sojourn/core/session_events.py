"""The transitions of the session machine for events. See `sojourn.core.session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from sojourn.core.policy import Switch
from sojourn.core.session_controls import RESET_TRANSITIONS, adopt
from sojourn.core.session_rules import (
    active,
    aged,
    expiry,
    instant,
    phase,
    reasons,
    renewed,
    touched,
)
from sojourn.core.session_types import (
    EVENT,
    Adopt,
    Alias,
    Change,
    Effect,
    Event,
    Identify,
    Kind,
    Reason,
    Reset,
    Session,
    State,
)

if TYPE_CHECKING:
    from sojourn.core.policy import Policy

_MANUAL = Kind.MANUAL
_KEPT = Change.KEPT
_STARTED = Change.STARTED
_CONTINUES = Reason.CONTINUES


@reasons(Reason.CONTINUES, Reason.TIMEOUT, Reason.CUT_OFF, Reason.OPTED_OUT, Reason.BLANK)
def event_of_automatic(
    state: State, event: Event, now: int, policy: Policy
) -> tuple[State, Effect]:
    """Carries the session and is activity; where expiry is looked at in use, renews first."""
    session, process, anonymous_id, user_id, version, build, opted_out = state
    if opted_out or event.blank:
        dropped = _dropped(state, event, now, policy)
        if dropped is not None:
            return dropped
    reason, change = _CONTINUES, _KEPT
    if policy.expires_in_use:
        why = expiry(session, now, policy)
        if why is not None:
            session, reason, change = renewed(session, now, policy), why, _STARTED
    number, kind, start, last, timeout, cut_off, forgotten, carried = session
    first = start is None
    if not policy.only_foreground_activity or process.foreground or policy.background_updates:
        tick = policy.tick_ms
        last = now if tick == 1 else now - now % tick
        forgotten = False
        if cut_off is not None:
            cut_off = aged(cut_off, now)
    session = Session(number, kind, first, last, timeout, cut_off, forgotten, carried)
    state = State(session, process, anonymous_id, user_id, version, build, opted_out)
    return state, Effect(reason, change, True, number, first)


@reasons(Reason.CONTINUES, Reason.OPTED_OUT, Reason.BLANK)
def event_of_manual(state: State, event: Event, now: int, policy: Policy) -> tuple[State, Effect]:
    """Carries the session, which does not expire."""
    session = state.session
    if state.opted_out or event.blank:
        dropped = _dropped(state, event, now, policy)
        if dropped is not None:
            return dropped
    first = session.start is None
    if policy.manual_events_are_activity and session.kind is _MANUAL:
        session = session._replace(start=first, last=instant(now, policy), forgotten=False)
    else:
        session = session._replace(start=first)
    state = state._replace(session=session)
    return state, Effect(_CONTINUES, _KEPT, True, session.id, first)


@reasons(Reason.NONE, Reason.OPTED_OUT, Reason.BLANK)
def event_of_none(state: State, event: Event, now: int, policy: Policy) -> tuple[State, Effect]:
    """Goes out without a session."""
    if state.opted_out or event.blank:
        dropped = _dropped(state, event, now, policy)
        if dropped is not None:
            return dropped
    if active(state):
        state = state._replace(session=touched(state.session, now, policy))
    return state, Effect(Reason.NONE, _KEPT)


def _dropped(
    state: State, event: Event, now: int, policy: Policy
) -> Optional[tuple[State, Effect]]:
    """A call that is not to be sent; None: it is to be sent after all."""
    if event.blank and policy.drops_blank_calls:
        return state, Effect(Reason.BLANK, _KEPT, False)
    if not state.opted_out:
        return None
    if policy.dropped_calls_are_activity and active(state):
        state = state._replace(session=touched(state.session, now, policy))
    return state, Effect(Reason.OPTED_OUT, _KEPT, False)


EVENT_TRANSITIONS = {
    Kind.NONE: event_of_none,
    Kind.AUTO: event_of_automatic,
    Kind.MANUAL: event_of_manual,
}


def event(state: State, blank: bool, now: int, policy: Policy) -> tuple[State, Effect]:
    """An event, whatever is going on: for calls that are an event and more."""
    given = Event(True) if blank else EVENT
    return EVENT_TRANSITIONS[phase(state)](state, given, now, policy)


@reasons(
    Reason.CONTINUES,
    Reason.NONE,
    Reason.USER_CHANGE,
    Reason.TIMEOUT,
    Reason.CUT_OFF,
    Reason.OPTED_OUT,
    Reason.BLANK,
)
def identify(state: State, given: Identify, now: int, policy: Policy) -> tuple[State, Effect]:
    """An event; if it names another person, the platform may reset first."""
    user_id, change = given.user_id, _KEPT
    if state.opted_out or user_id is None or (user_id == "" and policy.drops_blank_calls):
        return _stored_event(state, given, user_id == "", now, policy)
    if _switches(state.user_id, user_id, policy.switch):
        forget = Reset(given.anonymous_id, None if given.anonymous_id else False)
        state, effect = RESET_TRANSITIONS[phase(state)](state, forget, now, policy)
        change = effect.change
    state = state._replace(user_id=user_id)
    if change is _STARTED:
        state, effect = event(state, False, now, policy)
        return state, effect._replace(reason=Reason.USER_CHANGE, change=change)
    return _stored_event(state, given, False, now, policy)


def _switches(known: str, user_id: str, rule: Switch) -> bool:
    if rule is Switch.NEVER or known in ("", user_id):
        return False
    return user_id != "" or rule is Switch.DIFFERS


def _stored_event(
    state: State, given: Identify, blank: bool, now: int, policy: Policy
) -> tuple[State, Effect]:
    """An event by what storage holds, if it was read."""
    if given.stored is not None:
        state, adopted = adopt(state, Adopt(given.stored), now, policy)
        if adopted.change is Change.ADOPTED:
            state, effect = event(state, blank, now, policy)
            change = effect.change if effect.change is _STARTED else Change.ADOPTED
            return state, effect._replace(change=change)
    return event(state, blank, now, policy)


@reasons(
    Reason.CONTINUES, Reason.NONE, Reason.TIMEOUT, Reason.CUT_OFF, Reason.OPTED_OUT, Reason.BLANK
)
def alias(state: State, given: Alias, now: int, policy: Policy) -> tuple[State, Effect]:
    """An event; on some platforms the new id is the person's from now on."""
    if policy.alias_names_person and given.user_id and not state.opted_out:
        state = state._replace(user_id=given.user_id)
    return event(state, given.user_id == "", now, policy)
