"""The transitions of the session machine for calls that are no events. See `session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sojourn.core.policy import End, Refusal, Renewal
from sojourn.core.session_numbers import accepted_id
from sojourn.core.session_rules import active, cleared, clock_id, reasons, restarted, touched
from sojourn.core.session_types import (
    Adopt,
    Change,
    Effect,
    EndSession,
    Kind,
    OptOut,
    Reason,
    Reset,
    Session,
    SetAnonymousId,
    StartSession,
    State,
)

if TYPE_CHECKING:
    from sojourn.core.policy import Policy

_AUTO = Kind.AUTO
_MANUAL = Kind.MANUAL
_KEPT = Change.KEPT
_STARTED = Change.STARTED


@reasons(Reason.NONE)
def reset_of_none(state: State, given: Reset, now: int, policy: Policy) -> tuple[State, Effect]:
    """Forgets the person; begins no session."""
    return _without_person(state, given, policy), Effect(Reason.NONE, _KEPT)


@reasons(Reason.RESET, Reason.IDENTITY)
def reset(state: State, given: Reset, now: int, policy: Policy) -> tuple[State, Effect]:
    """Forgets the person; a new session of the same kind takes the place of this one."""
    state = _without_person(state, given, policy)
    if not given.session:
        return state, Effect(Reason.IDENTITY, _KEPT)
    session = restarted(state.session, now, policy)
    if policy.reset_is_activity and active(state):
        session = touched(session, now, policy)
    return state._replace(session=session), Effect(Reason.RESET, _STARTED)


RESET_TRANSITIONS = {Kind.NONE: reset_of_none, Kind.AUTO: reset, Kind.MANUAL: reset}


def _without_person(state: State, given: Reset, policy: Policy) -> State:
    renew = given.renew_anonymous_id
    if policy.reset_renews_anonymous_id if renew is None else renew:
        state = state._replace(anonymous_id=given.anonymous_id)
    return state._replace(user_id="") if given.user else state


@reasons(Reason.MANUAL, Reason.REFUSED, Reason.REFUSED_CLOCK)
def start_session(
    state: State, given: StartSession, now: int, policy: Policy
) -> tuple[State, Effect]:
    """A manual session: it does not expire, and automatic tracking stops."""
    session, reason = state.session, Reason.MANUAL
    number = clock_id(now, policy) if given.id is None else accepted_id(given.id, policy.ids)
    if number is None:
        if policy.refusal is not Refusal.CLOCK:
            return _refused(state, policy)
        number, reason = clock_id(now, policy), Reason.REFUSED_CLOCK
    process = state.process._replace(on=False)
    kind = _AUTO if policy.keeps_launch_mark and session.kind is _AUTO else _MANUAL
    forgets = policy.manual_forgets_last or (policy.renewal is Renewal.FORGETS and state.process.on)
    last = None if forgets or policy.renewal is Renewal.COUNTS else session.last
    timeout = session.timeout if kind is _AUTO else None
    session = Session(number, kind, None, last, timeout, None, session.forgotten, False)
    return state._replace(session=session, process=process), Effect(reason, _STARTED)


def _refused(state: State, policy: Policy) -> tuple[State, Effect]:
    """A session id that is not acceptable changes nothing, or ends automatic tracking."""
    session = state.session
    if policy.refusal is Refusal.STOPS_TRACKING and session.kind is _AUTO:
        kind = Kind.NONE if session.id is None else _MANUAL
        state = state._replace(session=session._replace(kind=kind))
    return state, Effect(Reason.REFUSED, _KEPT)


@reasons(Reason.NONE)
def end_of_none(state: State, given: EndSession, now: int, policy: Policy) -> tuple[State, Effect]:
    """There is nothing to end; automatic tracking stops, where the platform says so."""
    if not policy.follows_storage:  # else another tab's session may be in storage
        state, _ = end_session(state, given, now, policy)
    return state, Effect(Reason.NONE, _KEPT)


@reasons(Reason.ENDED)
def end_session(state: State, given: EndSession, now: int, policy: Policy) -> tuple[State, Effect]:
    """No session; what the next launch finds depends on the platform."""
    end, session = policy.end, state.session
    stays = end is not End.STOPS_ALL and session.kind is _AUTO
    session = cleared(session, _AUTO if stays else Kind.NONE, policy)
    process = state.process
    if end is not End.STOPS_NOTHING:
        process = process._replace(on=False)
    state = state._replace(session=session, process=process)
    return state, Effect(Reason.ENDED, Change.ENDED)


END_TRANSITIONS = {Kind.NONE: end_of_none, Kind.AUTO: end_session, Kind.MANUAL: end_session}


@reasons(Reason.IDENTITY)
def opt_out(state: State, given: OptOut, now: int, policy: Policy) -> tuple[State, Effect]:
    """Drops calls from now on, or no longer. The session goes on."""
    return state._replace(opted_out=given.value), Effect(Reason.IDENTITY, _KEPT)


@reasons(Reason.IDENTITY)
def set_anonymous_id(
    state: State, given: SetAnonymousId, now: int, policy: Policy
) -> tuple[State, Effect]:
    """Takes the anonymous id. The session goes on."""
    return state._replace(anonymous_id=given.anonymous_id), Effect(Reason.IDENTITY, _KEPT)


@reasons(Reason.ADOPTED, Reason.CONTINUES)
def adopt(state: State, given: Adopt, now: int, policy: Policy) -> tuple[State, Effect]:
    """Follows what storage holds: another tab or process may have written it."""
    session = given.session
    if session == state.session:
        return state, Effect(Reason.CONTINUES, _KEPT)
    process = state.process._replace(on=session.kind is _AUTO)
    return state._replace(session=session, process=process), Effect(Reason.ADOPTED, Change.ADOPTED)
