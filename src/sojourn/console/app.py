"""The console as one ASGI app: pages, JSON API, live streams, behind one guard."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from sojourn.console.accounts import Accounts
from sojourn.console.api import Api
from sojourn.console.asking import Asker
from sojourn.console.audit import AuditLog
from sojourn.console.callers import Doorman
from sojourn.console.changes import Changes
from sojourn.console.documents import Documents
from sojourn.console.guard import Guard, allow, form, refuse
from sojourn.console.live import Live
from sojourn.console.pages import Pages
from sojourn.console.report_pages import ReportPages
from sojourn.console.saved import Saved
from sojourn.console.server_pages import Erasures, Operation, RecentEvents, Server, ServerPages
from sojourn.console.settings import ConsoleSettings
from sojourn.console.status import Status, StatusReader
from sojourn.core.ports import Clock, Reports, StateStore
from sojourn.core.saved_views import Views

logger = logging.getLogger(__name__)
LARGEST_FORM: Final = 1 << 20
SHARED_FILTERS: Final = ("from", "to", "source")


class Console:
    """The ASGI app. Serve it at the root of a host; call `stop` before the server stops.

    `reports` answers everything about sessions; `status` tells how the server is doing (see
    `StatusReader`); `store` keeps accounts, tokens, saved funnels and the audit log;
    `write_key`, `recent_events`, `operations` and `erasures` are described at
    `server_pages.Server`; `configured` are the views of the configuration file
    (`Saved.check_configured` judges them).
    Call `accounts.first_start()` once at start-up, and print what it returns.
    """

    def __init__(
        self,
        reports: Reports,
        status: Callable[[], Status | Awaitable[Status]],
        settings: ConsoleSettings,
        store: StateStore,
        clock: Clock,
        *,
        write_key: Callable[[str], str | None] = lambda source: None,
        recent_events: RecentEvents = lambda: (),
        operations: Mapping[str, Operation] | None = None,
        erasures: Erasures = lambda: (),
        configured: Views = MappingProxyType({}),
    ) -> None:
        documents = Documents(store)
        self.accounts = Accounts(store, clock)
        self.saved = Saved(documents, configured, reports.describe)
        self.audit = AuditLog(documents, clock)
        server = Server(StatusReader(status), write_key, recent_events, operations or {}, erasures)
        doorman = Doorman(self.accounts, documents, settings, clock)
        asker = Asker(reports)
        pages = Pages(SHARED_FILTERS)
        self._live = Live(pages, asker, recent_events, settings.live_interval_s)
        routes = [
            *_report_routes(ReportPages(pages, asker, self.saved), self._live),
            *_server_routes(
                ServerPages(pages, asker, server, settings, self.accounts, self.audit, self.saved)
            ),
            *_form_routes(
                Changes(pages, self.accounts, doorman, self.audit, self.saved, server, clock)
            ),
            *_api_routes(Api(reports, server.status)),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ]
        self._app = Starlette(
            routes=routes,
            middleware=[
                Middleware(GZipMiddleware, minimum_size=1024),
                Middleware(Guard, doorman, routes),
            ],
            exception_handlers={HTTPException: _http_error, Exception: _our_error},
            max_body_size=LARGEST_FORM,
        )
        self._app.state.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    def stop(self) -> None:
        """End the live streams, so that a server can stop without waiting for its readers."""
        self._live.stop()


def _report_routes(pages: ReportPages, live: Live) -> list[BaseRoute]:
    handlers = {
        "/": pages.overview,
        "/breakdown": pages.breakdown,
        "/breakdown/card": pages.breakdown_card,
        "/live": live.page,
        "/live/stream": live.sessions_stream,
        "/sources/stream": live.events_stream,
        "/sessions": pages.sessions,
        "/sessions/{key}": pages.session,
        "/journeys": pages.journeys,
        "/journeys/table": pages.table("journeys"),
        "/journeys/transitions": pages.table("transitions"),
        "/sources/differences": pages.table("differences"),
        "/funnels": pages.funnels,
        "/retention": pages.retention,
        "/problems": pages.problems,
        "/problems/strip": pages.problem_strip,
    }
    return [Route(path, allow("view", handler)) for path, handler in handlers.items()]


def _server_routes(pages: ServerPages) -> list[BaseRoute]:
    handlers = {
        "/sources": pages.sources,
        "/destinations": pages.destinations,
        "/warehouse": pages.warehouse,
        "/settings": pages.settings,
    }
    routes: list[BaseRoute] = [
        Route(path, allow("view", handler)) for path, handler in handlers.items()
    ]
    erasures = Route("/settings/erasures", allow("administer", pages.erasures), methods=["GET"])
    return [Route("/login", pages.login, methods=["GET"]), erasures, *routes]


def _form_routes(changes: Changes) -> list[BaseRoute]:
    forms = {
        "/login": ("", changes.login),
        "/logout": ("view", changes.logout),
        "/password": ("view", changes.own_password),
        "/saved/import": ("save", changes.import_saved),
        "/saved/{kind}": ("save", changes.save),
        "/problems/{id}": ("save", changes.annotate),
        "/settings/accounts": ("administer", changes.add_account),
        "/settings/accounts/{name}": ("administer", changes.change_account),
        "/settings/tokens": ("administer", changes.add_token),
        "/settings/tokens/{name}": ("administer", changes.revoke_token),
        "/operations/{name}": ("administer", changes.operate),
    }
    return [
        Route(path, form(permission, handler), methods=["POST"])
        for path, (permission, handler) in forms.items()
    ]


def _api_routes(api: Api) -> list[BaseRoute]:
    handlers = {
        "/api/reports": api.describe,
        "/api/reports/{name}.csv": api.report_csv,
        "/api/reports/{name}": api.report,
        "/api/status": api.status,
        "/api/openapi.json": api.openapi,
    }
    return [Route(path, allow("view", handler)) for path, handler in handlers.items()]


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: f"there is nothing at {request.url.path}", 405: "this page takes no such request"}
    return refuse(request, error.status_code, words.get(error.status_code, error.detail))


async def _our_error(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return Response("something went wrong here; the server's log says what\n", 500)
