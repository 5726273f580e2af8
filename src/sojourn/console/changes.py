"""Everything that the console changes: each a form, each permitted, each in the audit log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sojourn.console.accounts import Accounts
from sojourn.console.asking import Asked
from sojourn.console.audit import AuditLog
from sojourn.console.callers import Doorman
from sojourn.console.guard import local_path, refuse
from sojourn.console.pages import Pages
from sojourn.console.saved import Note, Saved, page_of
from sojourn.console.server_pages import Server, login_page
from sojourn.core.erasure import fingerprint
from sojourn.core.errors import SojournError
from sojourn.core.events import clean_id
from sojourn.core.ports import Clock, Report
from sojourn.core.saved_views import KINDS

MOST_FAILURES: Final = 10
"""Failed logins from one address, after which it has to wait."""
FAILURES_LAST_S: Final = 300.0
FORGET: Final = "forget"
"""The operation that deletes a person."""


class Changes:
    """Handlers of all forms. They run after `guard.form` has checked permission and token."""

    def __init__(
        self,
        pages: Pages,
        accounts: Accounts,
        doorman: Doorman,
        audit: AuditLog,
        saved: Saved,
        server: Server,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._accounts = accounts
        self._doorman = doorman
        self._audit = audit
        self._saved = saved
        self._server = server
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    async def login(self, request: Request, fields: FormData) -> Response:
        """Check name and password; ten failures in five minutes and an address has to wait."""
        name, wanted = _text(fields, "name"), local_path(_text(fields, "next") or "/")
        address = request.client.host if request.client else ""
        recent = self._recent_failures().get(address, [])
        if len(recent) >= MOST_FAILURES:
            why = "too many failed logins from here; wait five minutes"
            return login_page(self._pages, request, wanted, name, why, 429)
        password = _text(fields, "password")
        account = await run_in_threadpool(self._accounts.verify, name, password)
        if account is None:
            self._failures[address] = [*recent, time.monotonic()]
            why = "the name or the password is wrong"
            return login_page(self._pages, request, wanted, name, why, 401)
        self._failures.pop(address, None)
        response = RedirectResponse(wanted, 303)
        self._doorman.sign_in(request, response, account)
        return response

    def _recent_failures(self) -> dict[str, list[float]]:
        """Failed logins by address; those that no longer count are forgotten."""
        since = time.monotonic() - FAILURES_LAST_S
        recent = {
            address: [at for at in times if at > since] for address, times in self._failures.items()
        }
        self._failures = {address: times for address, times in recent.items() if times}
        return self._failures

    async def logout(self, request: Request, fields: FormData) -> Response:
        """End this login."""
        response = RedirectResponse("/login", 303)
        self._doorman.sign_out(request, response)
        return response

    async def own_password(self, request: Request, fields: FormData) -> Response:
        """Let somebody change their own password, if they know the one in force."""
        name, new = request.state.caller.name, _text(fields, "new")
        if request.state.caller.how != "cookie":
            return refuse(request, 400, "only who logged in with a password has one to change")
        old = _text(fields, "password")
        if await run_in_threadpool(self._accounts.verify, name, old) is None:
            return refuse(request, 400, "the password in force is another one")
        if not new:
            return refuse(request, 400, "the new password is empty")
        return await self._do(
            request,
            "changed the password of",
            name,
            lambda: self._accounts.set_password(name, new),
            "/login",
        )

    async def save(self, request: Request, fields: FormData) -> Response:
        """Save a funnel, a report or a segment; with `remove`, forget it."""
        kind, name = request.path_params["kind"], _text(fields, "name")
        if fields.get("remove"):
            return await self._do(
                request, f"removed from {kind}", name, lambda: self._saved.remove(kind, name)
            )
        parameters = {
            key.removeprefix("parameter."): str(value)
            for key, value in fields.items()
            if key.startswith("parameter.")
        }
        back = page_of(kind, parameters) if kind in KINDS else "/settings"
        return await self._do(
            request,
            f"saved to {kind}",
            name,
            lambda: self._saved.save(kind, name, parameters),
            back,
        )

    async def import_saved(self, request: Request, fields: FormData) -> Response:
        """Take in saved funnels, reports and segments as TOML."""
        text = _text(fields, "toml")
        return await self._do(
            request, "imported", "saved views", lambda: self._saved.import_toml(text)
        )

    async def annotate(self, request: Request, fields: FormData) -> Response:
        """Mute a problem, or write a note on it."""
        problem = request.path_params["id"]
        muted = _text(fields, "muted") == "yes"
        note = Note(
            _text(fields, "text")[:500], muted, request.state.caller.name, self._clock.now_ms()
        )
        action = "muted problem" if muted else "noted on problem"
        back = f"/problems#problem-{problem}"
        return await self._do(
            request, action, problem, lambda: self._saved.annotate(problem, note), back
        )

    async def add_account(self, request: Request, fields: FormData) -> Response:
        """Make an account; its password is shown once."""
        name, role = _text(fields, "name"), _text(fields, "role")
        return await self._show_once(
            request, f"added account ({role})", name, lambda: self._accounts.add(name, role)
        )

    async def change_account(self, request: Request, fields: FormData) -> Response:
        """Change the role of an account, give it a new password, or remove it."""
        name, what = request.path_params["name"], _text(fields, "what")
        if what == "password":
            return await self._show_once(
                request, "new password for", name, lambda: self._accounts.set_password(name)
            )
        if what == "remove":
            return await self._do(
                request, "removed account", name, lambda: self._accounts.remove(name)
            )
        role = _text(fields, "role")
        return await self._do(
            request, f"made {role}", name, lambda: self._accounts.set_role(name, role)
        )

    async def add_token(self, request: Request, fields: FormData) -> Response:
        """Make an API token; it is shown once."""
        name, scope, who = _text(fields, "name"), _text(fields, "scope"), request.state.caller.name
        return await self._show_once(
            request,
            f"added token ({scope})",
            name,
            lambda: self._accounts.add_token(name, scope, who),
        )

    async def revoke_token(self, request: Request, fields: FormData) -> Response:
        """Make a token useless."""
        name = request.path_params["name"]
        return await self._do(
            request, "revoked token", name, lambda: self._accounts.revoke_token(name)
        )

    async def operate(self, request: Request, fields: FormData) -> Response:
        """Run one of the operations that the app offers."""
        name = request.path_params["name"]
        operation = self._server.operations.get(name)
        if operation is None:
            return refuse(request, 404, f"this server has no operation '{name}'")
        given = {key: str(value) for key, value in fields.items() if key != "csrf"}
        subject = _subject(name, given)
        action = name.replace("_", " ")
        said = await run_in_threadpool(
            self._change,
            request,
            action,
            subject,
            lambda: operation(given | {"by": request.state.caller.name}),
        )
        if isinstance(said, Response):
            return said
        asked = [Asked(name, given, said, spec=said.spec)] if isinstance(said, Report) else []
        text = said if isinstance(said, str) else said.spec.title
        return self._pages.page(
            request, "done.html", said=text, secret="", back=_back(request), asked=asked
        )

    async def _do(
        self,
        request: Request,
        action: str,
        subject: str,
        change: Callable[[], Any],
        back: str = "/settings",
    ) -> Response:
        refused = await run_in_threadpool(self._change, request, action, subject, change)
        return refused if isinstance(refused, Response) else RedirectResponse(back, 303)

    async def _show_once(
        self, request: Request, action: str, subject: str, change: Callable[[], str]
    ) -> Response:
        secret = await run_in_threadpool(self._change, request, action, subject, change)
        if isinstance(secret, Response):
            return secret
        said = f"{action} {subject}. This is shown once; copy it now."
        return self._pages.page(request, "done.html", said=said, secret=secret, back="/settings")

    def _change(
        self, request: Request, action: str, subject: str, change: Callable[[], Any]
    ) -> Any:
        """Make a change and note it; a refusal, in words, where it cannot be made."""
        try:
            made = change()
        except SojournError as error:
            return refuse(request, 400, error.detail or str(error))
        self._audit.record(request.state.caller.name, action, subject)
        return made


def _text(fields: FormData, name: str) -> str:
    value = fields.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _subject(operation: str, given: Mapping[str, str]) -> str:
    """What stands in the audit log; of somebody who is to be forgotten the SHA-256 of the id."""
    if operation == FORGET:
        return f"the user id with the SHA-256 {fingerprint(clean_id(given.get('user', '')))}"
    return ", ".join(value for value in given.values() if value)


def _back(request: Request) -> str:
    return "/destinations" if request.path_params["name"] == "replay" else "/settings"
