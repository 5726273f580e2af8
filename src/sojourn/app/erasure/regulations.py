"""`/v2/regulations`: RudderStack's user suppression API, for what a team has scripted already.

An admin's API token goes in `Authorization: Bearer …`. Users are shown by the SHA-256 of their
ids: more is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sojourn.app.erasure.erasures import Erasures
from sojourn.app.erasure.jobs import Order
from sojourn.console import Accounts, AuditLog
from sojourn.core.errors import InvalidSettings, SojournError
from sojourn.pipeline.suppressions import (
    SUPPRESS,
    SUPPRESS_WITH_DELETE,
    Regulation,
    Suppressions,
)

WORKSPACE = "sojourn"
"""There is one; the API wants it named."""
PAGE = 100
_LARGEST_BODY = 4 << 20


class _Wanted(msgspec.Struct, rename="camel"):
    regulation_type: str
    users: list[dict[str, Any]]
    source_ids: list[str] = []
    destination_ids: list[str] = []


class Regulations:
    """The calls of the API."""

    def __init__(
        self,
        erasures: Erasures,
        suppressions: Suppressions,
        accounts: Accounts,
        audit: AuditLog,
    ) -> None:
        self._erasures = erasures
        self._suppressions = suppressions
        self._accounts = accounts
        self._audit = audit

    async def create(self, request: Request) -> Response:
        """Suppress users, or suppress and delete them."""
        try:
            wanted = msgspec.json.decode(await request.body(), type=_Wanted)
        except msgspec.MsgspecError as error:
            return _refused(400, f"the body is not a regulation: {error}")
        by: str = request.state.by
        try:
            regulation = self._create(wanted, by)
        except SojournError as error:
            return _refused(400, error.detail or str(error))
        await run_in_threadpool(
            self._audit.record, by, wanted.regulation_type.replace("_", " "), regulation
        )
        where = {"Location": f"/v2/regulations/{regulation}"}
        return PlainTextResponse("Created", 201, where)

    async def list(self, request: Request) -> Response:
        """A page of regulations, the oldest first."""
        cursor = request.query_params.get("after_cursor", "-1")
        if not cursor.removeprefix("-").isdecimal() or len(cursor) > 18:
            return _refused(400, "after_cursor is what paging.next of the page before says")
        found = self._suppressions.after(max(-1, int(cursor)), PAGE)
        more = found and self._suppressions.after(found[-1].number, 1)
        following = f"/v2/regulations?after_cursor={found[-1].number}" if more else None
        paging = {"next": following} if following else {}
        return JSONResponse({"data": [_shown(one) for one in found], "paging": paging})

    async def show(self, request: Request) -> Response:
        """One regulation."""
        found = self._suppressions.find(request.path_params["id"])
        return (
            _refused(404, "there is no such regulation")
            if found is None
            else JSONResponse(_shown(found))
        )

    async def cancel(self, request: Request) -> Response:
        """Let the users in again. What was deleted stays deleted."""
        name = request.path_params["id"]
        if await run_in_threadpool(self._suppressions.cancel, name) is None:
            return _refused(404, "there is no such regulation")
        await run_in_threadpool(self._audit.record, request.state.by, "canceled regulation", name)
        return Response(status_code=204)

    def _create(self, wanted: _Wanted, by: str) -> str:
        """The id of the new regulation. Raises `InvalidSettings` in words."""
        if wanted.regulation_type not in (SUPPRESS, SUPPRESS_WITH_DELETE):
            raise InvalidSettings(f"regulationType is {SUPPRESS} or {SUPPRESS_WITH_DELETE}")
        if wanted.source_ids and wanted.destination_ids:
            raise InvalidSettings("give sourceIds or destinationIds, not both")
        if any(not isinstance(user.get("userId"), str) for user in wanted.users):
            raise InvalidSettings("users: each needs a userId, a text")
        if not wanted.users:
            raise InvalidSettings('users: name at least one, as {"userId": …}')
        if wanted.regulation_type == SUPPRESS:
            if wanted.destination_ids:
                raise InvalidSettings(f"destinationIds go with {SUPPRESS_WITH_DELETE}")
            order = self._erasures.checked(Order(wanted.users, wanted.source_ids))
            return self._suppressions.add(
                SUPPRESS, order.user_ids, order.source_ids, created_by=by
            ).id
        if not wanted.destination_ids:
            raise InvalidSettings(f"destinationIds is required for {SUPPRESS_WITH_DELETE}")
        order = Order(wanted.users, destinations=wanted.destination_ids, by=by)
        return self._erasures.order(order).regulation

    def admit(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """`handler` for who has an admin's token; 401 and 403 for others."""

        async def checked(request: Request) -> Response:
            scheme, _, text = request.headers.get("authorization", "").partition(" ")
            token = None
            if scheme.lower() == "bearer":
                token = await run_in_threadpool(self._accounts.token, text.strip())
            if token is None:
                return _refused(401, "send an API token as Authorization: Bearer …")
            if token.scope != "admin":
                return _refused(403, "this takes a token of the scope admin")
            request.state.by = f"token {token.name}"
            answer: Response = await handler(request)
            return answer

        return checked


def regulations_app(regulations: Regulations) -> Starlette:
    """The API as an ASGI app; mount it at `/v2`."""
    routes: Sequence[tuple[str, str, Callable[[Request], Any]]] = (
        ("/regulations", "POST", regulations.create),
        ("/regulations", "GET", regulations.list),
        ("/regulations/{id}", "GET", regulations.show),
        ("/regulations/{id}", "DELETE", regulations.cancel),
    )
    return Starlette(
        routes=[
            Route(path, regulations.admit(handler), methods=[method])
            for path, method, handler in routes
        ],
        max_body_size=_LARGEST_BODY,
    )


def _shown(regulation: Regulation) -> dict[str, Any]:
    attributes: dict[str, Any] = {"users": [{"userIdSha256": user} for user in regulation.users]}
    if regulation.kind == SUPPRESS:
        attributes["sourceIds"] = list(regulation.source_ids)
    else:
        attributes["destinationIds"] = list(regulation.destinations)
    return {
        "id": regulation.id,
        "workspaceId": WORKSPACE,
        "canceled": regulation.canceled,
        "regulationType": regulation.kind,
        "attributes": attributes,
    }


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"message": why}, status)
