"""What every event says about the program and the machine that it runs on."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.version import VERSION

if TYPE_CHECKING:
    from sojourn.sdk.options import AppInfo


def describe(app: Optional[AppInfo], *, full: bool) -> dict[str, Any]:
    """The `context` that all events share. `full`: with the system and the time zone.

    Servers leave those out: the context of their events is that of the people they serve.
    """
    context: dict[str, Any] = {"library": {"name": "sojourn", "version": VERSION}}
    if app is not None:
        build = "" if app.build is None else str(app.build)
        named = {"name": app.name, "version": app.version, "build": build}
        named["namespace"] = app.namespace
        context["app"] = {key: value for key, value in named.items() if value}
    if full:
        context["os"] = _system()
        context["timezone"] = time.strftime("GMT%z")
    return context


def _system() -> dict[str, str]:
    """Name and version of the operating system. (`platform` would start programs to find out.)"""
    names = {"win32": "Windows", "darwin": "macOS", "ios": "iOS", "android": "Android"}
    if sys.platform == "win32":
        version = sys.getwindowsversion()
        return {"name": "Windows", "version": f"{version.major}.{version.minor}.{version.build}"}
    if "ANDROID_ARGUMENT" in os.environ:
        return {"name": "Android", "version": ""}
    system = os.uname()
    return {"name": names.get(sys.platform, system.sysname), "version": system.release}
