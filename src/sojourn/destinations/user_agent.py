"""Browser and system out of a user agent, under the names that the vendors' own parsers use.

The parsing is ua-parser's; the table turns its families into the names of ua-parser-js, which
RudderStack's transformer uses for Mixpanel and, in Amplitude's fork, for Amplitude. What has no
name there (bots, HTTP libraries) counts as not recognised, as it does there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ua_parser import Device, UserAgent, parse

_BROWSERS = {
    "Amazon Silk": "Silk",
    "Android": "Android Browser",
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Chromium": "Chromium",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Facebook": "Facebook",
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "HeadlessChrome": "Chrome Headless",
    "IE": "IE",
    "IE Mobile": "IEMobile",
    "Instagram": "Instagram",
    "Mobile Safari": "Mobile Safari",
    "Mobile Safari UI/WKWebView": "WebKit",
    "Opera": "Opera",
    "Opera Mini": "Opera Mini",
    "Opera Mobile": "Opera",
    "Opera Touch": "Opera Touch",
    "Safari": "Safari",
    "Samsung Internet": "Samsung Internet",
    "UC Browser": "UCBrowser",
    "Vivaldi": "Vivaldi",
    "Yandex Browser": "Yandex",
}
_AMPLITUDE_BROWSERS = _BROWSERS | {
    "Chrome Mobile": "Chrome Mobile",
    "Chrome Mobile iOS": "Chrome Mobile",
    "Samsung Internet": "Samsung Browser",
}
_SYSTEMS = {
    "Chrome OS": "Chromium OS",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Mac OS X": "Mac",
    "Ubuntu": "Linux",
}
_BY_DEVICE = {"iPad": "iPad", "iPhone": "iPhone", "iPod": "iPhone"}
"""The system's name by the device, for Amplitude: an iPod's user agent says `CPU iPhone OS`."""
_VERSION_AFTER = {
    "Android": "Version",
    "Mobile Safari UI/WKWebView": "AppleWebKit",
}
"""Families whose version stands behind a token; without the token they are none."""
_SAMSUNG = "; SM-"
"""How the models of Samsung's devices begin, of which ua-parser does not know all."""
_NO_DEVICE = ("Mac", "Other", "Spider")
"""Families that stand for computers and programs."""


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent tells; None where it tells nothing."""

    browser: str | None = None
    amplitude_browser: str | None = None
    version: str | None = None
    system: str | None = None
    vendor: str | None = None
    """Who made the device; None for computers."""


@lru_cache(maxsize=8192)
def parsed(user_agent: str) -> Agent:
    """The parts of a user agent; results are kept, since few agents make most events."""
    result = parse(user_agent)
    browser, device = result.user_agent, result.device
    family = browser.family if browser else ""
    version = _version(browser, user_agent) if browser and family in _BROWSERS else None
    if version is None:
        family = ""
    vendor = device.brand if device and device.family not in _NO_DEVICE else None
    if vendor is not None and vendor.startswith("Generic"):
        vendor = "Samsung" if _SAMSUNG in user_agent else None
    return Agent(
        browser=_BROWSERS.get(family),
        amplitude_browser=_AMPLITUDE_BROWSERS.get(family),
        version=version,
        system=_system(result.os.family, device) if result.os else None,
        vendor=vendor,
    )


def _system(family: str, device: Device | None) -> str:
    if family == "iOS" and device and device.family in _BY_DEVICE:
        return _BY_DEVICE[device.family]
    return _SYSTEMS.get(family, family)


def _version(browser: UserAgent, user_agent: str) -> str | None:
    """The version as the user agent writes it: ua-parser may leave out its last parts."""
    token = _VERSION_AFTER.get(browser.family)
    if token is not None:
        found = re.search(rf"{token}/([\d.]+)", user_agent)
        return found[1] if found else None
    parts = (browser.major, browser.minor, browser.patch, browser.patch_minor)
    version = ".".join(part for part in parts if part is not None)
    found = re.search(rf"[/ :]({re.escape(version)}[\d.]*)", user_agent) if version else None
    return found[1] if found else version or None
