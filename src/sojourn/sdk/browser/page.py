"""What a page knows about itself, as the JavaScript SDK puts it into its events."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import js

from sojourn.sdk import cookies

_REFERRER = "rl_page_init_referrer"
_REFERRING_DOMAIN = "rl_page_init_referring_domain"


def has_page() -> bool:
    """Whether this is a page; in a worker there is none."""
    return hasattr(js, "document") and hasattr(js, "window")


class Page:
    """The page that Python runs in. Addresses change while it lives: everything is read anew."""

    def __init__(self) -> None:
        raw = cookies.parse_cookie_header(str(js.document.cookie))
        known = cookies.decode_cookie(raw.get(_REFERRER, "")).value
        domain = cookies.decode_cookie(raw.get(_REFERRING_DOMAIN, "")).value
        referrer = _referrer()
        self._initial = {
            "initial_referrer": known if isinstance(known, str) else referrer,
            "initial_referring_domain": domain if isinstance(domain, str) else _domain(referrer),
        }

    def properties(self) -> dict[str, Any]:
        """What goes into the properties of a `page` event."""
        location, referrer = js.location, _referrer()
        url = str(location.href)
        return {
            "path": str(location.pathname),
            "referrer": referrer,
            "referring_domain": _domain(referrer),
            "search": str(location.search),
            "title": str(js.document.title),
            "url": url.partition("#")[0],
            "tab_url": url,
            **self._initial,
        }

    def context(self) -> dict[str, Any]:
        """What goes into `context` of every event."""
        window, screen = js.window, js.screen
        return {
            "page": self.properties(),
            "userAgent": str(js.navigator.userAgent),
            "locale": str(js.navigator.language),
            "screen": {
                "width": screen.width,
                "height": screen.height,
                "density": window.devicePixelRatio,
                "innerWidth": window.innerWidth,
                "innerHeight": window.innerHeight,
            },
            "campaign": _campaign(str(js.location.search)),
        }


def _referrer() -> str:
    return str(js.document.referrer) or "$direct"


def _domain(referrer: str) -> str:
    return urlsplit(referrer).netloc if "://" in referrer else ""


def _campaign(search: str) -> dict[str, str]:
    """The `utm_…` parameters of the address; `utm_campaign` is called `name`."""
    given = {
        key[4:]: value for key, value in parse_qsl(search.lstrip("?")) if key.startswith("utm_")
    }
    if "campaign" in given:
        given["name"] = given.pop("campaign")
    return given
