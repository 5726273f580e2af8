"""What all back ends share: from the headers of a request to a scope, and to cookies to set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from sojourn.core.profiles import WEB
from sojourn.sdk import cookies
from sojourn.sdk.identity import Identity
from sojourn.sdk.scope import Scope, ScopedSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sojourn.sdk.client import Client
    from sojourn.sdk.cookies import Encoding

_KEPT = (cookies.SESSION, cookies.ANONYMOUS_ID, cookies.USER_ID)


class Joining(NamedTuple):
    """How requests are joined to browser sessions."""

    renew: bool = False
    """Set and renew the cookies with every page that is served: for sites without the
    JavaScript SDK, and against browsers that drop cookies of scripts after seven days. Only
    responses to navigations are touched; a page that writes at the same moment may win or lose."""
    domain: Optional[str] = None
    """Of cookies that are set, such as `.example.com`; `None`: this host alone."""
    secure: bool = False
    """Cookies that are set go over HTTPS alone."""
    headers: bool = False
    """Where there are no cookies, believe `Sojourn-Anonymous-Id`, `Sojourn-User-Id` and
    `Sojourn-Session-Id`: for pages that store elsewhere and send these with their requests."""
    ip_header: Optional[str] = None
    """Which header holds the visitor's address, such as `X-Forwarded-For`. Set it only behind a
    proxy that sets it."""


class SetCookie(NamedTuple):
    """A cookie to set; `value` is encoded already, empty removes it."""

    name: str
    value: str
    max_age: int
    """Seconds."""


class Visit:
    """One request. Enter `scope` around what belongs to it."""

    def __init__(
        self,
        client: Client,
        joining: Joining,
        header: Callable[[str], Optional[str]],
        url: str,
        now_ms: int,
    ) -> None:
        self._joining = joining
        raw = cookies.parse_cookie_header(header("Cookie") or "")
        found = {name: cookies.decode_cookie(raw[name]) for name in _KEPT if name in raw}
        values = {name: cookie.value for name, cookie in found.items()}
        who = cookies.identity_of(values, now_ms)
        if joining.headers and who == cookies.BrowserIdentity():
            who = _from_headers(header, now_ms)
        self._store: Optional[_CookieStore] = None
        identity = None
        if joining.renew and _is_navigation(header):
            encodings = {name: cookie.encoding for name, cookie in found.items()}
            self._store = _CookieStore(values, who, encodings)
            identity = Identity(WEB, self._store, None, holds=True)
            identity.ready(now_ms)
            who = cookies.BrowserIdentity()  # the identity has it, and can change it
        session = None if who.session_id is None else ScopedSession(who.session_id, begins=False)
        self.scope = Scope(
            client,
            user_id=who.user_id,
            anonymous_id=who.anonymous_id,
            session=session,
            context=_context(header, url, joining.ip_header),
            inherit=False,
            identity=identity,
        )

    def set_cookies(self) -> list[SetCookie]:
        """The cookies to send with the response's head: as of now."""
        return [] if self._store is None else self._store.set_cookies()

    def set_cookie_headers(self) -> list[str]:
        """The same as values of `Set-Cookie` headers."""
        joining = self._joining
        return [
            cookies.cookie_header(
                cookie.name, cookie.value, cookie.max_age, joining.domain, joining.secure
            )
            for cookie in self.set_cookies()
        ]


class _CookieStore:
    """A request's cookies as the store of its session."""

    look_every_ms = 0

    def __init__(
        self,
        values: Mapping[str, Any],
        who: cookies.BrowserIdentity,
        encodings: Mapping[str, str],
    ) -> None:
        session = values.get(cookies.SESSION)
        known = {cookies.ANONYMOUS_ID: who.anonymous_id, cookies.USER_ID: who.user_id}
        self._values: dict[str, Any] = {key: value for key, value in known.items() if value}
        if isinstance(session, dict) and type(session.get("id")) is int:
            self._values[cookies.SESSION] = session
        self._encodings = encodings

    def load(self) -> Mapping[str, Any]:
        return dict(self._values)

    def save(self, changes: Mapping[str, Any]) -> None:
        merged = {**self._values, **changes}
        self._values = {key: value for key, value in merged.items() if value is not None}

    def set_cookies(self) -> list[SetCookie]:
        """All of them, changed or not: what a script has set lives longer set by a server."""
        made = []
        for name in _KEPT:
            if name in self._values:
                encoding: Encoding = "v3"
                if self._encodings.get(name) == "legacy":
                    encoding = "legacy"
                value = cookies.encode_cookie(self._values[name], encoding)
                made.append(SetCookie(name, value, cookies.YEAR_SECONDS))
            elif name in self._encodings:
                made.append(SetCookie(name, "", 0))
        return made


def _from_headers(header: Callable[[str], Optional[str]], now_ms: int) -> cookies.BrowserIdentity:
    session = header("Sojourn-Session-Id") or ""
    record = {"manualTrack": True, "id": int(session)} if _digits(session) else None
    values = {
        cookies.ANONYMOUS_ID: header("Sojourn-Anonymous-Id"),
        cookies.USER_ID: header("Sojourn-User-Id"),
        cookies.SESSION: record,
    }
    return cookies.identity_of(values, now_ms)


def _digits(text: str) -> bool:
    return 10 <= len(text) <= 19 and text.isascii() and text.isdigit()


def _is_navigation(header: Callable[[str], Optional[str]]) -> bool:
    """Whether a page is asked for, rather than data: scripts of the page write cookies too."""
    destination = header("Sec-Fetch-Dest")
    if destination:
        return destination == "document"
    return "text/html" in (header("Accept") or "")


def _context(
    header: Callable[[str], Optional[str]], url: str, ip_header: Optional[str]
) -> dict[str, Any]:
    """What the request says about the page and the browser."""
    _, _, rest = url.partition("://")
    path, _, search = rest[rest.find("/") :].partition("?") if "/" in rest else ("/", "", "")
    page = {"url": url, "path": path, "search": f"?{search}" if search else ""}
    referrer = header("Referer")
    if referrer:
        page["referrer"] = referrer
    context: dict[str, Any] = {"page": page}
    agent = header("User-Agent")
    if agent:
        context["userAgent"] = agent
    forwarded = header(ip_header) if ip_header else None
    if forwarded:
        context["ip"] = forwarded.split(",")[0].strip()
    return context
