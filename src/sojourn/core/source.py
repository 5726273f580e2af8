"""A source: one site, app or program that sends events."""

from __future__ import annotations

from dataclasses import dataclass

WEB_TIMEOUT_MS = 30 * 60 * 1000
MOBILE_TIMEOUT_MS = 5 * 60 * 1000
MAX_SESSION_MS = 24 * 60 * 60 * 1000
MOBILE_PLATFORMS = frozenset(("android", "ios", "react-native", "flutter", "kotlin", "swift"))


@dataclass(frozen=True)
class Source:
    """Who may send, and how long its sessions are.

    `timeout_ms`: the gap after which a session is over; `max_length_ms`: the longest session.
    `platform`: `web`, `android`, `ios`, `react-native`, `flutter`, `server`, … (informative,
    and the default of the timeout: 30 min, 5 min on mobile).
    """

    id: str
    name: str
    write_key: str
    platform: str = "web"
    enabled: bool = True
    timeout_ms: int = WEB_TIMEOUT_MS
    max_length_ms: int = MAX_SESSION_MS


def default_timeout_ms(platform: str) -> int:
    """The inactivity timeout that the official SDKs of `platform` use, milliseconds."""
    return MOBILE_TIMEOUT_MS if platform in MOBILE_PLATFORMS else WEB_TIMEOUT_MS
