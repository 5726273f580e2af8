"""`/rsaRequest`: sets the JavaScript SDK's cookies from the server (`useServerSideCookies`).

Browsers keep cookies that a script has set for a week or a day only; what a server of the
same site sets lasts. The write key is no secret, so any page could ask for cookies here: only
the SDK's own (`rl_…`) are set, and only for a page of the site that the request went to.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from sojourn.gateway.answers import HeaderList, Headers
from sojourn.gateway.json_rules import UNREADABLE, mend
from sojourn.gateway.refusals import Refused

_NAME = re.compile(r"rl_[A-Za-z0-9_]{1,60}").fullmatch
_ATTRIBUTE = re.compile(r"[\x21-\x3a\x3c-\x7e]{1,200}").fullmatch
_SAME_SITE = {"lax": "Lax", "strict": "Strict", "none": "None"}
_MAX_COOKIES = 30
_MAX_VALUE = 4096
_URI_COMPONENT = "!'()*~"
"""What JavaScript's `encodeURIComponent` leaves alone and `quote` does not."""


class _Options(msgspec.Struct):
    maxAge: float | None = None  # milliseconds
    path: str = "/"
    domain: str | None = None
    sameSite: str | None = None
    secure: bool | None = None


class _Cookie(msgspec.Struct):
    name: str
    value: Any = None


class _Data(msgspec.Struct):
    cookies: list[_Cookie]
    options: _Options = msgspec.field(default_factory=_Options)


class _Request(msgspec.Struct):
    reqType: str
    data: _Data


_decode = msgspec.json.Decoder(_Request).decode


def cookie_headers(body: bytes, headers: Headers) -> HeaderList:
    """The `Set-Cookie` headers that a request asks for. Raises `Refused`.

    A cookie whose value is empty is removed.
    """
    _check_site(headers)
    try:
        request = _decode(mend(body))
    except UNREADABLE as error:
        raise _invalid("the body is no request for cookies") from error
    if request.reqType != "setCookies":
        raise _invalid("reqType is not setCookies")
    if len(request.data.cookies) > _MAX_COOKIES:
        raise _invalid(f"more than {_MAX_COOKIES} cookies")
    attributes = _attributes(request.data.options)
    return [(b"set-cookie", _cookie(it, attributes)) for it in request.data.cookies]


def _cookie(cookie: _Cookie, attributes: str) -> bytes:
    if not _NAME(cookie.name):
        raise _invalid("a cookie's name does not begin with rl_")
    if not cookie.value:
        return f"{cookie.name}={attributes}; Max-Age=0".encode()
    value = quote(cookie.value, safe=_URI_COMPONENT) if isinstance(cookie.value, str) else ""
    if not 0 < len(value) <= _MAX_VALUE:
        raise _invalid(f"the value of {cookie.name} is no text of up to {_MAX_VALUE} bytes")
    return f"{cookie.name}={value}{attributes}".encode()


def _attributes(options: _Options) -> str:
    parts = [("Path", options.path), ("Domain", options.domain)]
    if any(value is not None and not _ATTRIBUTE(value) for _, value in parts):
        raise _invalid("path or domain is not usable")
    text = "".join(f"; {name}={value}" for name, value in parts if value is not None)
    if options.maxAge is not None:
        text += f"; Max-Age={max(0, int(min(options.maxAge, 1e15) / 1000))}"
    same_site = _SAME_SITE.get((options.sameSite or "").lower())
    if same_site:
        text += f"; SameSite={same_site}"
    return text + ("; Secure" if options.secure else "")


def _check_site(headers: Headers) -> None:
    """The page that asks must be of the host's own domain, or of one above or below it."""
    host = headers.get(b"host", b"").decode("latin-1")
    page = _host_of(headers.get(b"origin", b"").decode("latin-1"))
    here = _host_of(f"//{host}")
    if not (page and here and (page == here or page.endswith(f".{here}") or _below(here, page))):
        raise Refused(403, "cookies are set for pages of the same site only", "foreign_cookies")


def _below(host: str, domain: str) -> bool:
    return "." in domain and host.endswith(f".{domain}")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _invalid(detail: str) -> Refused:
    return Refused(400, f"cookies cannot be set: {detail}", "invalid_cookies")
