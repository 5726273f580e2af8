"""The pages about the server itself: sources, destinations, warehouse, settings, login."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sojourn.console.accounts import ROLES, SCOPES, Accounts
from sojourn.console.asking import Asker, query_of
from sojourn.console.audit import AuditLog
from sojourn.console.guard import local_path
from sojourn.console.pages import Pages
from sojourn.console.saved import Saved, page_of
from sojourn.console.settings import ConsoleSettings
from sojourn.console.snippets import snippets
from sojourn.console.status import StatusReader
from sojourn.core.ports import Report
from sojourn.core.saved_views import KINDS

HIDDEN_KEY = "YOUR_WRITE_KEY"

RecentEvents = Callable[[], Sequence[Mapping[str, Any]]]
"""The last events as they arrived, the newest first: `at` (ms), `source`, `type`, `name`, and
`error` where something is wrong with one."""

Erasures = Callable[[], Sequence[Mapping[str, Any]]]
"""The erasures of people, the newest first: `at` (ms), `users` (SHA-256 of their ids), `by`,
`state` in words, `deleted` (how many rows and events) and `open` while one is under way."""

Operation = Callable[[Mapping[str, str]], str | Report]
"""Something an admin may do; takes the form's fields, says what was done, in words or figures.

Raises `SojournError` in words where it cannot be done."""


@dataclass(frozen=True)
class Server:
    """What the app tells the console about the server, and lets its admins do.

    `write_key`: the key of a source by its id. `operations`, each shown only if it is there:
    `replay` (`destination`): deliver its dead letters again; `redefine` (`timeout`, `maximum`):
    what a new definition of a session would change; `redefine_apply`: change it; `forget`
    (`user`, `by`): delete a person everywhere. `erasures` tells what became of that.
    """

    status: StatusReader
    write_key: Callable[[str], str | None] = lambda source: None
    recent_events: RecentEvents = lambda: ()
    operations: Mapping[str, Operation] = field(default_factory=dict)
    erasures: Erasures = lambda: ()


class ServerPages:
    """Handlers of the pages about the server."""

    def __init__(
        self,
        pages: Pages,
        asker: Asker,
        server: Server,
        settings: ConsoleSettings,
        accounts: Accounts,
        audit: AuditLog,
        saved: Saved,
    ) -> None:
        self._pages = pages
        self._asker = asker
        self._server = server
        self._settings = settings
        self._accounts = accounts
        self._audit = audit
        self._saved = saved

    async def sources(self, request: Request) -> Response:
        """Health of each source, the last events, what to paste. Keys for admins only."""
        status = await self._server.status.read()
        sources = list(status.get("sources", ()))
        health = await self._asker.ask("health", query_of(request))
        url = self._settings.data_plane_url or str(request.base_url).rstrip("/")
        wanted = request.query_params.get("snippet", "")
        chosen = next((one for one in sources if one["id"] == wanted), None)
        chosen = chosen or (sources[0] if sources else None)
        key = HIDDEN_KEY
        if chosen and request.state.caller.may("administer"):
            key = self._server.write_key(chosen["id"]) or HIDDEN_KEY
        return self._pages.page(
            request,
            "sources.html",
            asked=[health],
            sources=sources,
            chosen=chosen,
            key=key,
            hidden=key == HIDDEN_KEY,
            snippets=snippets(key, url),
            url_of_data_plane=url,
            recent=list(self._server.recent_events()),
        )

    async def destinations(self, request: Request) -> Response:
        """Lag, errors and dead letters of each destination."""
        status = await self._server.status.read()
        destinations = [_named(name, value) for name, value in _items(status.get("destinations"))]
        return self._pages.page(
            request,
            "destinations.html",
            destinations=destinations,
            can_replay="replay" in self._server.operations,
        )

    async def warehouse(self, request: Request) -> Response:
        """How far the tables are behind, and what is in them."""
        status = await self._server.status.read()
        warehouse = dict(status.get("warehouse") or {})
        tables = [_named(name, value) for name, value in _items(warehouse.pop("tables", None))]
        readers = [_named(name, value) for name, value in _items(status.get("readers"))]
        return self._pages.page(
            request,
            "warehouse.html",
            readers=readers,
            tables=tables,
            facts=_plain(warehouse),
            alerts=list(status.get("alerts") or ()),
        )

    async def erasures(self, request: Request) -> Response:
        """The part of the settings that shows how far erasures are."""
        erasures = await run_in_threadpool(self._server.erasures)
        return HTMLResponse(self._pages.text(request, "erasures.html", erasures=erasures))

    async def settings(self, request: Request) -> Response:
        """Accounts, tokens, what is saved, the session definition, people to forget, changes."""
        admin = request.state.caller.may("administer")
        return self._pages.page(
            request,
            "settings.html",
            accounts=self._accounts.all() if admin else [],
            tokens=self._accounts.tokens() if admin else [],
            changes=self._audit.latest(50) if admin else [],
            roles=ROLES,
            scopes=SCOPES,
            saved={kind: self._views(kind) for kind in KINDS},
            toml=self._saved.export_toml(),
            operations=self._server.operations,
        )

    def _views(self, kind: str) -> list[tuple[str, str, bool]]:
        """Name, page and whether it is configured, of everything saved of a kind."""
        return [
            (name, page_of(kind, parameters), self._saved.is_configured(kind, name))
            for name, parameters in self._saved.all(kind).items()
        ]

    async def login(self, request: Request) -> Response:
        """The form to log in."""
        wanted = local_path(request.query_params.get("next", "/"))
        return login_page(self._pages, request, wanted)


def login_page(
    pages: Pages, request: Request, wanted: str, name: str = "", why: str = "", status: int = 200
) -> Response:
    """The login form, with what went wrong the last time."""
    text = pages.text(request, "login.html", next=wanted, name=name, why=why)
    return HTMLResponse(text, status)


def _items(value: Any) -> list[tuple[str, Any]]:
    """Parts of the status, given by name or as a list of mappings with a name or id."""
    if isinstance(value, Mapping):
        return [(str(name), part) for name, part in value.items()]
    return [(str(part.get("name", part.get("id", "?"))), part) for part in value or ()]


def _named(name: str, value: Any) -> dict[str, Any]:
    facts = _plain(value) if isinstance(value, Mapping) else {"rows": value}
    return {"called": name, "facts": {k: v for k, v in facts.items() if k not in ("name", "id")}}


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that fit a line: nested ones are joined by a dot."""
    facts: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, Mapping):
            facts |= {f"{name}.{inner}": one for inner, one in _plain(part).items()}
        else:
            facts[name] = part
    return facts
