"""An event as plain as can be."""

from __future__ import annotations

from typing import Any


def event(kind: str = "track", **more: Any) -> dict[str, Any]:
    named = {"event": "Seat Booked"} if kind == "track" else {}
    return {
        "type": kind,
        "anonymousId": "anon-1",
        "userId": "user-1",
        "messageId": "message-1",
        "timestamp": "2026-03-04T05:06:07.890Z",
        **named,
        **more,
    }
