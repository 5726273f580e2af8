"""What stands before every page: who may come in, and the headers that every answer carries."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sojourn.console.callers import Caller, Doorman, host_of

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
FORM_COOKIE: Final = "sojourn_form"
_MOST_FIELDS: Final = 200

Handler = Callable[[Request], Awaitable[Response]]
FormHandler = Callable[[Request, FormData], Awaitable[Response]]


class Guard:
    """Middleware: names the caller in `request.state.caller`; strangers see the login only.

    A request that would change something must come from a page of this very host.
    """

    def __init__(self, app: ASGIApp, doorman: Doorman, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._doorman = doorman
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a stranger; else pass the request on, with the caller and the form token."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        caller = await run_in_threadpool(self._doorman.caller, request)
        request.state.caller = caller
        nonce = request.cookies.get(FORM_COOKIE, "")
        fresh = secrets.token_urlsafe(18) if len(nonce) < 16 else ""
        request.state.form_token = self._doorman.form_token(request, fresh or nonce)
        app: ASGIApp = _refusal(request, caller) or self._app
        if caller is None and not self._is_ours(scope):
            app = PlainTextResponse("404 page not found\n", 404)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _dress(request, MutableHeaders(scope=message), fresh)
            await send(message)

        await app(scope, receive, sending)

    def _is_ours(self, scope: Scope) -> bool:
        """Whether there is such a page; where there is none, no login would help."""
        return any(route.matches(scope)[0] is not Match.NONE for route in self._routes)


def allow(permission: str, handler: Handler) -> Handler:
    """`handler`, for callers that have the permission; for others 403 in words."""

    async def checked(request: Request) -> Response:
        if not request.state.caller.may(permission):
            return refuse(request, 403, _MISSING[permission])
        return await handler(request)

    return checked


def form(permission: str, handler: FormHandler) -> Handler:
    """`handler` for a form of ours: checks the permission and the form's token first."""

    async def checked(request: Request) -> Response:
        async with request.form(max_fields=_MOST_FIELDS) as fields:
            given = str(fields.get("csrf", ""))
            known = request.state.caller is not None and request.state.caller.how == "token"
            if not known and not hmac.compare_digest(
                given.encode(), request.state.form_token.encode()
            ):
                return refuse(request, 403, "this form is out of date; go back, reload, try again")
            return await handler(request, fields)

    return checked if permission == "" else allow(permission, checked)


def refuse(request: Request, status: int, why: str) -> Response:
    """An answer in words: JSON below `/api`, a small page elsewhere."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": why}, status)
    page: Response = request.app.state.pages.error(request, status, why)
    return page


def local_path(text: str) -> str:
    """`text` if it is a path of this site, else `/`: a login never leads elsewhere."""
    parts = urlsplit(text)
    outside = parts.scheme or parts.netloc or not text.startswith("/") or "\\" in text
    return "/" if outside or text.startswith("//") or not text.isprintable() else text


_MISSING: Final = {
    "view": "this is not for you to see",
    "save": "viewers look, they do not change; ask an admin for the role",
    "administer": "this is for admins; ask one for the role",
}


def _refusal(request: Request, caller: Caller | None) -> Response | None:
    path = request.url.path
    if request.method not in SAFE_METHODS and not _same_site(request):
        return JSONResponse({"error": "this request comes from another site"}, 403)
    if caller is not None or path.startswith("/static/") or path == "/login":
        return None
    if path.startswith("/api/"):
        challenge = {"WWW-Authenticate": 'Bearer realm="sojourn"'}
        why = "log in, or send an API token as `Authorization: Bearer …`"
        return JSONResponse({"error": why}, 401, challenge)
    if request.method not in SAFE_METHODS:
        # A redirect would look like success to a program that follows it.
        return PlainTextResponse("log in first\n", 401)
    wanted = path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(wanted, safe='')}", 303)


def _same_site(request: Request) -> bool:
    fetch_site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin")
    if fetch_site not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc.lower() == host_of(request)


def _dress(request: Request, headers: MutableHeaders, fresh: str) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if not request.url.path.startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
    if fresh and headers.get("content-type", "").startswith("text/html"):
        secure = "; Secure" if request.url.scheme == "https" else ""
        cookie = f"{FORM_COOKIE}={fresh}; Path=/; HttpOnly; SameSite=Lax{secure}"
        headers.append("Set-Cookie", cookie)
