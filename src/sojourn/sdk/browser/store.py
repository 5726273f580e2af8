"""Identity and session in the page's cookies, as the JavaScript SDK keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import js

from sojourn.sdk import cookies

_KEPT = (
    cookies.SESSION,
    cookies.ANONYMOUS_ID,
    cookies.USER_ID,
    cookies.TRAITS,
    "rl_opt_status",
)


class CookieStore:
    """The cookies of the top domain that takes them, for a year. Other tabs and the JavaScript
    SDK may write them at any time, so they are read for every event."""

    look_every_ms = 0
    shares_person = True
    """Who the person is may change by others' hands too."""

    def __init__(self) -> None:
        self._domain: Optional[str] = None
        self._looked = False

    def load(self) -> Mapping[str, Any]:
        """The decoded values that are there."""
        raw = cookies.parse_cookie_header(str(js.document.cookie))
        return {name: cookies.decode_cookie(raw[name]).value for name in _KEPT if name in raw}

    def save(self, changes: Mapping[str, Any]) -> None:
        """Write cookies, with the JavaScript SDK's encoding and attributes."""
        if not self._looked:
            self._looked = True
            self._domain = top_domain(str(js.location.hostname))
        for name, value in changes.items():
            js.document.cookie = cookies.set_cookie_header(name, value, domain=self._domain)


def top_domain(host: str) -> Optional[str]:
    """The highest domain of the host that takes cookies, with a dot before it; `None`: the host.

    The browser knows which domains are for everybody (`co.uk`): it is asked by a try.
    """
    parts = host.split(".")
    if len(parts) < 2 or parts[-1].isdigit() or ":" in host:
        return None
    for count in range(2, len(parts) + 1):
        domain = "." + ".".join(parts[-count:])
        js.document.cookie = f"rl_sojourn_try=1; Path=/; Domain={domain}; SameSite=Lax"
        if "rl_sojourn_try=1" in str(js.document.cookie):
            js.document.cookie = f"rl_sojourn_try=; Max-Age=0; Path=/; Domain={domain}"
            return domain
    return None
