"""Decodes recorded cookies of the JavaScript SDKs, and asks them for the active session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.core.profiles import WEB
from sojourn.core.session import NEW, decode_session, session_id
from sojourn.sdk.cookies import active_session_id, read_cookie
from sojourn.testing.vector_steps import first_difference

__all__ = ["failure"]


def failure(row: Mapping[str, Any]) -> str | None:
    """The first difference between a recorded cookie and what we make of it, or None."""
    cookie = read_cookie(row["cookie"], row["name"])
    found = first_difference(row["encoding"], cookie.encoding, "encoding")
    found = found or first_difference(row["value"], cookie.value, "value")
    for asked in row.get("session_id_at") or ():
        now, expected = asked["now_ms"], asked["session_id"]
        machine = session_id(NEW, now, WEB, decode_session(cookie.value, WEB))
        found = (
            found
            or first_difference(expected, active_session_id(cookie.value, now), f"at {now}")
            or first_difference(expected, machine, f"by the session machine, at {now}")
        )
    return found
