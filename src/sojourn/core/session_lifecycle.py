"""The transitions of the session machine for the life of a process: launch to close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sojourn.core.policy import Gate
from sojourn.core.session_events import event
from sojourn.core.session_rules import active, cleared, expiry, reasons, renewed, touched
from sojourn.core.session_types import (
    NEW_PROCESS,
    Background,
    Change,
    Close,
    CutOff,
    Effect,
    Emitted,
    Foreground,
    Kind,
    Launch,
    Process,
    Reason,
    Session,
    State,
)

if TYPE_CHECKING:
    from sojourn.core.policy import Policy

INSTALLED = "Application Installed"
UPDATED = "Application Updated"
OPENED = "Application Opened"
BACKGROUNDED = "Application Backgrounded"


@reasons(
    Reason.FIRST,
    Reason.CONTINUES,
    Reason.TIMEOUT,
    Reason.CUT_OFF,
    Reason.REPLACES_MANUAL,
    Reason.STAYS_MANUAL,
    Reason.AUTO_OFF,
    Reason.NONE,
)
def launch(state: State, given: Launch, now: int, policy: Policy) -> tuple[State, Effect]:
    """Begins, takes over or ends the session that storage held; then the first own events."""
    on = policy.auto_track and (policy.lifecycle or not policy.auto_needs_lifecycle)
    session, reason, change = _at_launch(state.session, on, now, policy)
    known_version, known_build = state.version, state.build
    noted = given.version != "" and (policy.lifecycle or not policy.version_needs_lifecycle)
    on = on and session.kind is Kind.AUTO
    state = State(
        session,
        Process(on, True, False, False, policy.scenes and given.ui),
        state.anonymous_id or given.anonymous_id,
        state.user_id,
        given.version if noted else known_version,
        given.build if noted else known_build,
        state.opted_out,
    )
    if not policy.lifecycle:
        return state, Effect(reason, change)
    sending: list[tuple[str, dict[str, Any]]] = []
    if given.version:
        sending += _installation(given, known_version, known_build, policy)
    opens = given.ui or not policy.opened_needs_ui
    if opens:
        sending.append((OPENED, _opened(False, given.version, given.build, policy)))
    return _send(state, sending, reason, change, now, policy)


def _at_launch(
    session: Session, on: bool, now: int, policy: Policy
) -> tuple[Session, Reason, Change]:
    """What a launch makes of the session that it finds."""
    kind = session.kind
    stays_manual = kind is Kind.MANUAL and (not on or policy.manual_survives_launch)
    if stays_manual:
        if policy.manual_survives_launch:
            session = _with_options(session, policy)._replace(carried=True)
        return session, Reason.STAYS_MANUAL, Change.KEPT
    if not on:
        if kind is Kind.NONE:
            return session, Reason.NONE, Change.KEPT
        ended = Change.KEPT if session.id is None else Change.ENDED
        return cleared(session, Kind.NONE, policy), Reason.AUTO_OFF, ended
    session = _with_options(session, policy)
    if kind is Kind.MANUAL:
        return renewed(session, now, policy), Reason.REPLACES_MANUAL, Change.STARTED
    if kind is Kind.NONE:
        return renewed(session, now, policy), Reason.FIRST, Change.STARTED
    why = expiry(session, now, policy)
    if why is not None:
        return renewed(session, now, policy), why, Change.STARTED
    if policy.launch_is_activity:
        session = touched(session, now, policy)
    return session, Reason.CONTINUES, Change.KEPT


def _with_options(session: Session, policy: Policy) -> Session:
    """The session under the timeout and maximum duration of this launch."""
    if not policy.auto_track and policy.timeout_ms:
        return session._replace(timeout=None, cut_off=None)  # switched off: it brings neither
    timeout, last, cut_off = policy.timeout_ms, session.last, session.cut_off
    if policy.launch_keeps_deadline and last is not None and session.timeout is not None:
        last += session.timeout - timeout
    if policy.cut_off_ms is None:
        new_cut_off = None
    else:
        end = None if cut_off is None else cut_off.expires_at
        new_cut_off = CutOff(True, policy.cut_off_ms, end)
    return session._replace(timeout=timeout, last=last, cut_off=new_cut_off)


def _installation(
    given: Launch, version: str, build: Any, policy: Policy
) -> list[tuple[str, dict[str, Any]]]:
    """Application Installed or Updated, if the application is new or another."""
    properties = {"version": given.version, "build": _build(given.build, policy)}
    if version == "":
        return [(INSTALLED, properties)]
    if version != given.version if policy.update_by_version else build != given.build:
        properties["previous_version"] = version
        properties["previous_build"] = _build(build, policy)
        return [(UPDATED, properties)]
    return []


def _build(build: Any, policy: Policy) -> Any:
    return str(build) if policy.build_is_text else build


def _opened(from_background: bool, version: str, build: Any, policy: Policy) -> dict[str, Any]:
    """The properties of an Application Opened."""
    properties: dict[str, Any] = {"from_background": from_background}
    names = policy.return_properties if from_background else policy.cold_properties
    if version and "version" in names:
        properties["version"] = version
    if version and "build" in names:
        properties["build"] = _build(build, policy)
    return properties


def _send(
    state: State,
    sending: list[tuple[str, dict[str, Any]]],
    reason: Reason,
    change: Change,
    now: int,
    policy: Policy,
) -> tuple[State, Effect]:
    """Lets the client's own events take part in the session like any other."""
    emitted = []
    for name, properties in sending:
        state, effect = event(state, False, now, policy)
        if effect.change is Change.STARTED:
            reason, change = effect.reason, effect.change
        if name == OPENED and (effect.accepted or policy.dropped_opened_counts):
            state = state._replace(process=state.process._replace(opened=True))
        if effect.accepted:
            emitted.append(Emitted(name, properties, effect.session_id, effect.session_start))
    return state, Effect(reason, change, emitted=tuple(emitted))


@reasons(Reason.UNCHECKED, Reason.CONTINUES, Reason.TIMEOUT, Reason.CUT_OFF)
def foreground(state: State, given: Foreground, now: int, policy: Policy) -> tuple[State, Effect]:
    """Looks at expiry, if the platform does so now; then Application Opened."""
    on, _, was_background, opened, returned = state.process
    passes = policy.first_return_passes and not returned
    reason, change, session = Reason.UNCHECKED, Change.KEPT, state.session
    if not passes and active(state) and _looks(was_background, opened, policy):
        why = expiry(session, now, policy)
        reason = Reason.CONTINUES
        if why is not None:
            session, reason, change = renewed(session, now, policy), why, Change.STARTED
    state = state._replace(session=session, process=Process(on, True, False, opened, True))
    sends = policy.lifecycle and not passes
    if not sends or (policy.returns_need_background and not was_background):
        return state, Effect(reason, change)
    from_background = policy.return_is_from_background or opened
    properties = _opened(from_background, state.version, state.build, policy)
    return _send(state, [(OPENED, properties)], reason, change, now, policy)


def _looks(was_background: bool, opened: bool, policy: Policy) -> bool:
    if policy.foreground_needs_lifecycle and not policy.lifecycle:
        return False
    gate = policy.foreground_gate
    if gate is Gate.OPENED_BEFORE:
        return opened
    return gate is Gate.ALWAYS or (gate is Gate.AFTER_BACKGROUND and was_background)


@reasons(Reason.UNCHECKED, Reason.TIMEOUT, Reason.CUT_OFF)
def background(state: State, given: Background, now: int, policy: Policy) -> tuple[State, Effect]:
    """Application Backgrounded; on some platforms activity by itself."""
    session, process = state.session, state.process
    if policy.background_is_activity and active(state):
        session = touched(session, now, policy)
    process = process._replace(foreground=False, was_background=True)
    state = state._replace(session=session, process=process)
    sending: list[tuple[str, dict[str, Any]]] = [(BACKGROUNDED, {})] if policy.lifecycle else []
    return _send(state, sending, Reason.UNCHECKED, Change.KEPT, now, policy)


@reasons(Reason.CLOSED)
def close(state: State, given: Close, now: int, policy: Policy) -> tuple[State, Effect]:
    """Keeps what storage keeps; the rest goes with the process."""
    session = state.session
    if given.announced and policy.termination_is_activity and active(state):
        session = touched(session, now, policy)
    if session.forgotten:
        session = session._replace(last=None, forgotten=False)
    if not policy.start_survives and session.start is None and session.id is not None:
        session = session._replace(start=False)
    state = state._replace(session=session, process=NEW_PROCESS)
    return state, Effect(Reason.CLOSED, Change.KEPT)
