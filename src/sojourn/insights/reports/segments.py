"""The segments that scans look at: properties of sessions and pairs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ALL = ""
SEGMENTS: Mapping[str, Sequence[str]] = {
    ALL: (),
    "device": ("device",),
    "os": ("os",),
    "os and version": ("os", "os_version"),
    "browser": ("browser",),
    "browser and version": ("browser", "browser_version"),
    "browser and system": ("browser", "browser_version", "os"),
    "platform": ("platform",),
    "channel": ("channel",),
    "country": ("country",),
    "app version": ("app_version",),
    "locale": ("locale",),
    "device and channel": ("device", "channel"),
    "new": ("is_new",),
}
"""Name of a segmentation, and the columns of `sessions` whose values make a segment."""


def filters(dimension: str, values: Sequence[str | None]) -> dict[str, str | None]:
    """The filters that choose the sessions of a segment."""
    chosen: dict[str, str | None] = {}
    for column, value in zip(SEGMENTS[dimension], values, strict=True):
        if column == "is_new":
            chosen["new"] = "yes" if value == "true" else "no"
        else:
            chosen[column] = value
    return chosen


def words(dimension: str, values: Sequence[str | None]) -> str:
    """A segment in words."""
    if dimension == ALL:
        return "all sessions"
    if dimension == "new":
        return "new visitors" if values[0] == "true" else "returning visitors"
    return " ".join(value or f"no {dimension}" for value in values)
