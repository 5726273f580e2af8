"""The session state machine: `step(state, input, now, policy) -> (state, effect)`.

Pure: time (milliseconds since the Unix epoch), randomness (fresh anonymous ids come with the
inputs) and the platform's rules (`sojourn.core.policy.Policy`) are arguments. The transitions
are a table over every input and what is going on (no session, one that expires, one that does
not); each gives its reason. What the platforms do was recorded from the official SDKs.

How a client uses it:

* start: `state = restore(store.load(), policy)`, then `step(state, Launch(...), now, policy)`;
* each call: `state, effect = step(state, EVENT, now, policy)`; unless `effect.accepted` is
  false, send the event with `session_context(context, effect, policy)`;
* store `changes(before, after, policy)`, if it is not empty, in one atomic write;
* send `effect.emitted`, the events of the client's own, in their order;
* where others write the same storage and `policy.follows_storage`, give
  `Adopt(decode_session(stored, policy))` before an event, and the same session to `Identify`
  and `session_id` as their `stored`; the other inputs go by memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from sojourn.core import session_controls as controls
from sojourn.core import session_events as events
from sojourn.core import session_lifecycle as lifecycle
from sojourn.core.policy import CallerContext, Gate, Policy
from sojourn.core.session_records import (
    changes,
    decode_session,
    encode_session,
    record,
    restore,
)
from sojourn.core.session_rules import active, deadline, expiry, phase
from sojourn.core.session_types import (
    EVENT,
    NEW,
    NO_SESSION,
    Adopt,
    Alias,
    Background,
    Change,
    Close,
    Effect,
    Emitted,
    EndSession,
    Event,
    Foreground,
    Identify,
    Input,
    Kind,
    Launch,
    OptOut,
    Reason,
    Reset,
    Session,
    SetAnonymousId,
    StartSession,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EVENT",
    "NEW",
    "NO_SESSION",
    "TRANSITIONS",
    "Adopt",
    "Alias",
    "Background",
    "Change",
    "Close",
    "Effect",
    "Emitted",
    "EndSession",
    "Event",
    "Foreground",
    "Identify",
    "Input",
    "Kind",
    "Launch",
    "OptOut",
    "Reason",
    "Reset",
    "Session",
    "SetAnonymousId",
    "StartSession",
    "State",
    "changes",
    "decode_session",
    "encode_session",
    "next_deadline",
    "record",
    "restore",
    "session_context",
    "session_id",
    "step",
]

Transition = Callable[[State, Any, int, Policy], "tuple[State, Effect]"]


def _always(transition: Transition) -> dict[Kind, Transition]:
    """The same transition, whatever is going on."""
    return dict.fromkeys(Kind, transition)


TRANSITIONS: dict[type, dict[Kind, Transition]] = {
    Launch: _always(lifecycle.launch),
    Foreground: _always(lifecycle.foreground),
    Background: _always(lifecycle.background),
    Close: _always(lifecycle.close),
    Event: dict(events.EVENT_TRANSITIONS),
    Identify: _always(events.identify),
    Alias: _always(events.alias),
    Reset: dict(controls.RESET_TRANSITIONS),
    StartSession: _always(controls.start_session),
    EndSession: dict(controls.END_TRANSITIONS),
    OptOut: _always(controls.opt_out),
    SetAnonymousId: _always(controls.set_anonymous_id),
    Adopt: _always(controls.adopt),
}
"""Every input, and for each what is going on: the whole machine."""


def step(state: State, given: Input, now: int, policy: Policy) -> tuple[State, Effect]:
    """The state after an input at `now` (ms), and what the caller is to do. Never raises."""
    return TRANSITIONS[given.__class__][phase(state)](state, given, now, policy)


def session_id(state: State, now: int, policy: Policy, stored: Optional[Session] = None) -> Any:
    """The id that the SDK's `session id` call answers at `now`, or None. Changes nothing.

    `stored`: what storage holds, where others write it; None: memory is all there is.
    """
    session = state.session if stored is None else stored
    expires = policy.expires_in_use and session.kind is Kind.AUTO
    if expires and expiry(session, now, policy) is not None:
        return None
    return session.id


def next_deadline(state: State, policy: Policy) -> Optional[int]:
    """When the session expires if nothing happens: the first such millisecond, or None.

    Before it an event (on the web) or the application's return (on phones) goes on with the
    session; from it on it begins a new one. None: there is nothing that can expire.
    """
    looks = policy.expires_in_use or policy.foreground_gate is not Gate.NEVER
    return deadline(state.session, policy) if looks and active(state) else None


def session_context(
    context: Optional[Mapping[str, Any]], effect: Effect, policy: Policy
) -> dict[str, Any]:
    """The `context` of an event: the caller's, with the session's keys as `effect` says.

    The SDK's keys win. Only where `policy.caller_may_override` is on may the caller's
    `sessionId` and `sessionStart` go before them, as far as the platform's own SDK lets them.
    Without a session the caller's values go out. The given mapping is not changed.
    """
    merged = dict(context) if context else {}
    number = effect.session_id
    if not policy.caller_may_override:
        if number is not None:
            merged["sessionId"] = number
            merged.pop("sessionStart", None)
            if effect.session_start:
                merged["sessionStart"] = True
        return merged
    rule = policy.caller_context
    if rule is CallerContext.OBJECTS:
        merged = {key: value for key, value in merged.items() if isinstance(value, dict)}
    ours: dict[str, Any] = {} if number is None else {"sessionId": number}
    if effect.session_start:
        ours["sessionStart"] = True
    merged = {**merged, **ours} if rule is CallerContext.NONE else {**ours, **merged}
    return {key: value for key, value in merged.items() if value is not None}
