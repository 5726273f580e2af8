"""The state as storage keeps it, in each platform's own words, and back.

A record is a mapping of storage keys to JSON values; None means that the key is not there.
On the web the session is one object (`rl_session`), on phones it is several values.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Optional

from sojourn.core.session_types import (
    NEW_PROCESS,
    NO_SESSION,
    CutOff,
    Kind,
    Session,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sojourn.core.policy import Keys, Policy


def encode_session(session: Session, policy: Policy) -> Optional[dict[str, Any]]:
    """The web's session object, as the JavaScript SDK writes it; None: it stores none."""
    if session.id is None or session.kind is Kind.NONE:
        return None
    value: dict[str, Any] = {"id": session.id}
    automatic = session.kind is Kind.AUTO
    if automatic and session.last is not None:
        timeout = policy.timeout_ms if session.timeout is None else session.timeout
        value["expiresAt"] = session.last + timeout
    if session.timeout is not None and not policy.legacy_record:
        value["timeout"] = session.timeout
    if automatic:
        value["autoTrack"] = True
    else:
        value["manualTrack"] = True
        if session.carried:
            value["autoTrack"] = False
    if session.cut_off is not None:
        enabled, duration, expires_at = session.cut_off
        value["cutOff"] = {"enabled": enabled, "duration": duration}
        if expires_at is not None:
            value["cutOff"]["expiresAt"] = expires_at
    start = session.start
    if policy.legacy_record:
        value["sessionStart"] = start is None
    elif start is not None:
        value["sessionStart"] = start
    return value


def decode_session(value: Any, policy: Policy) -> Session:
    """The session of a stored web record, whoever wrote it; what is damaged counts as none."""
    if not isinstance(value, dict) or value.get("id") is None:
        return NO_SESSION
    manual = value.get("manualTrack") is True
    if not manual and value.get("autoTrack") is not True:
        return NO_SESSION
    timeout = _number(value.get("timeout"))
    flag = value.get("sessionStart")
    start = flag if isinstance(flag, bool) else None
    if policy.legacy_record:
        start = None if start is not False else False
    cut_off = _decode_cut_off(value.get("cutOff"))
    if manual:
        carried = value.get("autoTrack") is False
        return Session(value["id"], Kind.MANUAL, start, None, timeout, cut_off, False, carried)
    expires_at = _number(value.get("expiresAt"))
    if timeout is None:
        timeout = policy.timeout_ms
    last = None if expires_at is None else expires_at - timeout
    return Session(value["id"], Kind.AUTO, start, last, timeout, cut_off, False, False)


def _decode_cut_off(value: Any) -> Optional[CutOff]:
    if not isinstance(value, dict) or value.get("enabled") is not True:
        return None
    duration = _number(value.get("duration"))
    return None if duration is None else CutOff(True, duration, _number(value.get("expiresAt")))


def _number(value: Any) -> Optional[int]:
    """A stored number as whole milliseconds; None for anything else."""
    if isinstance(value, float):
        return int(value) if isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def record(state: State, policy: Policy) -> dict[str, Any]:
    """Everything that survives the process, by storage key; None: the key is not there."""
    keys, session = policy.keys, state.session
    values: dict[str, Any] = {
        keys.anonymous_id: state.anonymous_id or None,
        keys.user_id: state.user_id or None,
        keys.opted_out: True if state.opted_out else None,
        keys.version: state.version or None,
        keys.build: state.build,
    }
    if keys.session:
        values[keys.session] = encode_session(session, policy)
    else:
        last = None if session.forgotten or session.last is None else session.last
        values[keys.id] = session.id
        values[keys.last] = None if last is None else last // policy.tick_ms
        values[keys.start] = True if session.id is not None and session.start is None else None
        values[keys.auto] = True if session.kind is Kind.AUTO else None
        values[keys.manual] = True if session.kind is Kind.MANUAL else None
    values.pop("", None)
    return values


def changes(before: State, after: State, policy: Policy) -> dict[str, Any]:
    """What to write so that storage holds `after`; None: remove the key.

    Only what a step changed is written: other tabs and processes may have changed the rest.
    """
    old, new = record(before, policy), record(after, policy)
    changed = {key: value for key, value in new.items() if value != old[key]}
    if after.session is not before.session and policy.keys.session:
        changed[policy.keys.session] = new[policy.keys.session]
    return changed


def restore(values: Mapping[str, Any], policy: Policy) -> State:
    """The state of a new process on what storage holds. Damaged values count as absent."""
    keys = policy.keys
    if keys.session:
        session = decode_session(values.get(keys.session), policy)
    else:
        session = _decode_values(values, keys, policy)
    return State(
        session,
        NEW_PROCESS,
        _text(values.get(keys.anonymous_id)),
        _text(values.get(keys.user_id)),
        _text(values.get(keys.version)) if keys.version else "",
        values.get(keys.build) if keys.build else None,
        values.get(keys.opted_out) is True,
    )


def _decode_values(values: Mapping[str, Any], keys: Keys, policy: Policy) -> Session:
    number = _number(values.get(keys.id))
    last = _number(values.get(keys.last))
    manual = bool(keys.manual) and values.get(keys.manual) is True
    if keys.auto:
        automatic = values.get(keys.auto) is True
        manual = number is not None and not automatic and (manual or not keys.manual)
    else:
        automatic = number is not None and not manual
    kind = Kind.AUTO if automatic else Kind.MANUAL if manual else Kind.NONE
    if kind is Kind.NONE or (kind is Kind.MANUAL and number is None):
        kind, number = Kind.NONE, None
    pending = bool(keys.start) and values.get(keys.start) is True
    start = None if number is None or pending else False
    instant = None if last is None else last * policy.tick_ms
    return Session(number, kind, start, instant, None, None, False, False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
