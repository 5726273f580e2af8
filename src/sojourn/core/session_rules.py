"""Expiry, renewal and activity: what the transitions are made of. Pure, no platform names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, TypeVar

from sojourn.core.policy import Renewal
from sojourn.core.session_types import NO_SESSION, CutOff, Kind, Reason, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from sojourn.core.policy import Policy
    from sojourn.core.session_types import Effect, State

_AUTO = Kind.AUTO
_NONE = Kind.NONE
_MANUAL = Kind.MANUAL
_COUNTS = Renewal.COUNTS
_KEEPS = Renewal.KEEPS
_TIMEOUT = Reason.TIMEOUT
_CUT_OFF = Reason.CUT_OFF

_F = TypeVar("_F", bound="Callable[..., tuple[State, Effect]]")


def reasons(*possible: Reason) -> Callable[[_F], _F]:
    """Declares which reasons a transition may give; the docs and a property test go by it."""

    def mark(function: _F) -> _F:
        function.reasons = possible  # type: ignore[attr-defined]
        return function

    return mark


def phase(state: State) -> Kind:
    """What is going on: no session, one that expires (AUTO), or one that does not (MANUAL)."""
    session = state.session
    if session.id is None:
        return _NONE
    return _AUTO if session.kind is _AUTO and state.process.on else _MANUAL


def active(state: State) -> bool:
    """Automatic tracking is in force, and the session (if there is one) is its own."""
    return state.process.on and state.session.kind is _AUTO


def expiry(session: Session, now: int, policy: Policy) -> Optional[Reason]:
    """Why an automatic session is expired at `now`, or None if it is not."""
    last = session.last
    if last is None:
        return _TIMEOUT
    timeout = policy.timeout_ms if session.timeout is None else session.timeout
    tick = policy.tick_ms
    if tick == 1:
        elapsed = now - last
    else:
        elapsed = now // tick - last // tick
        timeout //= tick
    if elapsed <= 0:
        if policy.clock_back_expires:
            return _TIMEOUT
        if policy.absolute_elapsed:
            elapsed = -elapsed
    if elapsed > timeout or (elapsed == timeout and policy.expired_at_timeout):
        return _TIMEOUT
    cut_off = session.cut_off
    if cut_off is not None and cut_off.expires_at is not None and now > cut_off.expires_at:
        return _CUT_OFF
    return None


def deadline(session: Session, policy: Policy) -> Optional[int]:
    """The first instant after the last activity at which `expiry` finds a reason."""
    if session.last is None:
        return None
    timeout = policy.timeout_ms if session.timeout is None else session.timeout
    tick = policy.tick_ms
    ticks = session.last // tick + timeout // tick + (0 if policy.expired_at_timeout else 1)
    first = max(ticks * tick, session.last + 1)
    cut_off = session.cut_off
    if cut_off is not None and cut_off.expires_at is not None:
        first = max(min(first, cut_off.expires_at + 1), session.last + 1)
    return first


def instant(now: int, policy: Policy) -> int:
    """`now` as the last activity is kept: cut to the platform's tick."""
    tick = policy.tick_ms
    return now if tick == 1 else now - now % tick


def clock_id(now: int, policy: Policy) -> int:
    """A session id from the clock."""
    return now // policy.id_unit_ms


def aged(cut_off: Optional[CutOff], now: int) -> Optional[CutOff]:
    """The maximum duration as a renewal leaves it: a passed end goes, a missing one begins."""
    if cut_off is None:
        return None
    enabled, duration, expires_at = cut_off
    if expires_at is not None and now <= expires_at:
        return cut_off
    return CutOff(enabled, duration, now + duration)


def touched(session: Session, now: int, policy: Policy) -> Session:
    """The session after activity."""
    return session._replace(
        last=instant(now, policy), cut_off=aged(session.cut_off, now), forgotten=False
    )


def renewed(session: Session, now: int, policy: Policy) -> Session:
    """A new automatic session in the place of this one: id from the clock, start to be sent."""
    renewal = policy.renewal
    if renewal is _COUNTS:
        last: Optional[int] = instant(now, policy)
    else:
        last = session.last if renewal is _KEEPS else None
    return Session(
        clock_id(now, policy),
        _AUTO,
        None,
        last,
        session.timeout,
        aged(session.cut_off, now),
        session.forgotten,
        False,
    )


def cleared(session: Session, kind: Kind, policy: Policy) -> Session:
    """No session in the place of this one; `kind` is what the next launch will find."""
    renewal = policy.renewal
    if renewal is _COUNTS:
        return Session(*NO_SESSION)
    last = session.last if renewal is _KEEPS and not policy.manual_forgets_last else None
    return Session(None, kind, None, last, session.timeout, None, session.forgotten, False)


def restarted(session: Session, now: int, policy: Policy) -> Session:
    """What a reset makes of a session: a new one of the same kind; its duration starts anew."""
    if session.kind is _MANUAL:
        last = session.last if policy.renewal is _KEEPS else None
        forgotten = policy.reset_forgets_stored_last
        return Session(clock_id(now, policy), _MANUAL, None, last, None, None, forgotten, False)
    cut_off = session.cut_off
    if cut_off is not None:
        session = session._replace(cut_off=cut_off._replace(expires_at=None))
    session = renewed(session, now, policy)
    return session._replace(forgotten=True) if policy.reset_forgets_stored_last else session
