"""Who is calling: by cookie, by API token, by a trusted proxy, or from this machine itself."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from sojourn.console.accounts import Account, Accounts
from sojourn.console.documents import Documents
from sojourn.console.settings import ConsoleSettings
from sojourn.core.ports import Clock

PERMISSIONS: Final = {
    "viewer": frozenset(("view",)),
    "read": frozenset(("view",)),
    "write": frozenset(("view", "save")),
    "admin": frozenset(("view", "save", "administer")),
}
"""What each role of an account, and each scope of a token, may do."""


@dataclass(frozen=True)
class Caller:
    """A known caller. `how`: `cookie`, `token`, `proxy` or `open` (no login asked for)."""

    name: str
    role: str
    how: str
    login: str = ""

    def may(self, permission: str) -> bool:
        """Whether the caller has the permission: `view`, `save` or `administer`."""
        return permission in PERMISSIONS.get(self.role, frozenset())


class Doorman:
    """Recognises callers, logs them in and out, and signs what forms carry.

    A login cookie is good for the host that it was made for, until it runs out, its account's
    password changes or it is logged out; whichever comes first.
    """

    def __init__(
        self, accounts: Accounts, documents: Documents, settings: ConsoleSettings, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._documents = documents
        self._settings = settings
        self._clock = clock
        self._secret = accounts.signing_secret()

    def caller(self, request: Request) -> Caller | None:
        """Who sent the request; None for a stranger."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            token = self._accounts.token(text.strip())
            return Caller(token.name, token.scope, "token") if token else None
        return self._by_cookie(request) or self._by_proxy(request) or self._by_place(request)

    def sign_in(self, request: Request, response: Response, account: Account) -> None:
        """Give the browser a cookie for this account."""
        lasts = self._settings.signed_in_for_s
        login = {
            "name": account.name,
            "version": account.version,
            "id": secrets.token_urlsafe(12),
            "until": self._clock.now_ms() + lasts * 1000,
        }
        response.set_cookie(
            _cookie_name(request),
            self._signer(request).dumps(login),
            max_age=lasts,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )

    def sign_out(self, request: Request, response: Response) -> None:
        """End this login on the server too, so that a copy of the cookie is worthless."""
        login = self._login(request)
        if login:
            self._documents.keep(f"ended/{login['id']}", True, login["until"])
        response.delete_cookie(_cookie_name(request))

    def form_token(self, request: Request, nonce: str) -> str:
        """What a form must send back: bound to this browser, login and host."""
        caller: Caller | None = request.state.caller
        bound = f"{nonce}|{caller.login if caller else ''}|{host_of(request)}"
        return hmac.new(self._secret.encode(), bound.encode(), hashlib.sha256).hexdigest()

    def _by_cookie(self, request: Request) -> Caller | None:
        login = self._login(request)
        account = self._accounts.get(login["name"]) if login else None
        if not login or account is None or account.version != login["version"]:
            return None
        if self._documents.has(f"ended/{login['id']}"):
            return None
        return Caller(account.name, account.role, "cookie", login["id"])

    def _by_proxy(self, request: Request) -> Caller | None:
        header = self._settings.proxy_user_header
        name = request.headers.get(header, "").strip() if header else ""
        if not name:
            return None
        account = self._accounts.get(name)
        return Caller(name, account.role if account else self._settings.proxy_role, "proxy")

    def _by_place(self, request: Request) -> Caller | None:
        """A page elsewhere may point its own host name at loopback: that name does not count."""
        client = request.client.host if request.client else ""
        local = _is_loopback(client) and _is_loopback(request.url.hostname or "")
        return Caller("local", "admin", "open") if self._settings.open_access and local else None

    def _login(self, request: Request) -> dict[str, Any] | None:
        text = request.cookies.get(_cookie_name(request), "")
        try:
            login: dict[str, Any] = self._signer(request).loads(text)
        except BadSignature:
            return None
        return login if login["until"] > self._clock.now_ms() else None

    def _signer(self, request: Request) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"sojourn.login|{host_of(request)}")


def host_of(request: Request) -> str:
    """The host and port that the browser asked for."""
    return request.headers.get("host", "").lower()


def _cookie_name(request: Request) -> str:
    # The prefix makes browsers refuse the cookie for any other host; it needs https.
    return f"{'__Host-' if request.url.scheme == 'https' else ''}sojourn_login"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
