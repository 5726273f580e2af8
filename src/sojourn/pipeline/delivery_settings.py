"""How one destination is delivered to: pace, patience, and which events it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sojourn.core.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """The settings of a delivery. In `sojourn.toml` they stand beside the destination's own."""

    concurrency: int = 4
    """Calls under way at the same time; events of one person never are in two of them."""
    give_up_after: float = 3 * 3600.0
    """Seconds from the first failure of an event until it is given up."""
    give_up_tries: int = 3
    """Fewest failures before an event is given up."""
    backoff_first: float = 1.0
    """Wait after the first failure, seconds; it doubles each time, with jitter."""
    backoff_most: float = 300.0
    """Longest wait, seconds."""
    window_events: int = 20_000
    """Most events held in memory."""
    window_bytes: int = 32 << 20
    parked_events: int = 10_000
    """Most events of people that wait for a retry, kept aside so that others go on."""
    events_per_second: float = 0.0
    """Highest rate; 0 takes the destination's own limit."""
    stop_within: float = 35.0
    """Seconds that calls under way get to finish at the end."""
    sources: Sequence[str] = ()
    """Source ids that are delivered; none given means all."""
    allow: Sequence[str] = ()
    """Event names (of tracks) or types that are delivered; none given means all."""
    deny: Sequence[str] = ()
    """Event names or types that are not delivered."""
    consent: Sequence[str] = ()
    """Consent categories that the destination needs: an event that denies one is left out."""
    mask: Sequence[str] = ()
    """Dotted paths in the event whose values are replaced by `***`."""
    sample: float = 1.0
    """Share of people, 0 to 1, whose events are delivered; always the same people."""
    session_events: bool = False
    """Send `Session Started`, `Session Ended` and `Session Amended` too."""


_NAMES = {one.name: type(getattr(DeliverySettings(), one.name)) for one in fields(DeliverySettings)}
_LISTS = ("sources", "allow", "deny", "consent", "mask")


def split(name: str, options: Mapping[str, Any]) -> tuple[DeliverySettings, dict[str, Any]]:
    """The delivery's settings among a destination's options, and the options that remain.

    Raises `InvalidSettings` naming the field and the fix.
    """
    own: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in options.items():
        if key in _NAMES:
            own[key] = _checked(f"destination {name}: `{key}`", key, value)
        else:
            rest[key] = value
    settings = DeliverySettings(**own)
    for key in ("concurrency", "window_events", "window_bytes", "give_up_tries"):
        if getattr(settings, key) < 1:
            raise InvalidSettings(f"destination {name}: `{key}` must be at least 1")
    if not 0 <= settings.sample <= 1:
        raise InvalidSettings(f"destination {name}: `sample` must be between 0 and 1")
    return settings, rest


def _checked(place: str, key: str, value: Any) -> Any:
    if key in _LISTS:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise InvalidSettings(f"{place} must be a list of texts")
    if _NAMES[key] is bool:
        if isinstance(value, bool):
            return value
        raise InvalidSettings(f"{place} must be true or false")
    if key in ("give_up_after", "backoff_first", "backoff_most", "stop_within"):
        value = _seconds(place, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise InvalidSettings(f"{place} must be a number that is not negative")
    return int(value) if _NAMES[key] is int else float(value)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(place: str, value: Any) -> Any:
    """Seconds from a number or a text such as `3h`."""
    if not isinstance(value, str):
        return value
    number, unit = value[:-1], _UNITS.get(value[-1:])
    try:
        return float(number) * unit if unit else float(value)
    except ValueError:
        raise InvalidSettings(f"{place} must be seconds, or a text such as `3h` or `90s`") from None
