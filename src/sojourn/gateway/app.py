"""The gateway as an ASGI application: routes, methods, CORS, and who answers what."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from sojourn.core.ports import Clock, EventLog
from sojourn.gateway import answers
from sojourn.gateway.answers import ASGIApp, Headers, Receive, Scope, Send
from sojourn.gateway.body import ClientGone
from sojourn.gateway.cookies import cookie_headers
from sojourn.gateway.credentials import key_in_header, query_parameters
from sojourn.gateway.deadlines import current_task
from sojourn.gateway.ingest import Ingest, Sources
from sojourn.gateway.limits import Limits
from sojourn.gateway.pixel import GIF, event_json, person_of, pixel_event
from sojourn.gateway.refusals import Refused
from sojourn.gateway.source_config import source_config
from sojourn.gateway.stats import Stats
from sojourn.gateway.suppression import Suppressed

_TYPED = ("identify", "track", "page", "screen", "group", "alias", "merge")
_EVENT_ROUTES = {f"/v1/{name}": name for name in (*_TYPED, "batch", "import")}
_BEACON = "/beacon/v1/batch"
_COOKIES = "/rsaRequest"
_PIXELS = {"/pixel/v1/track": "track", "/pixel/v1/page": "page"}
_NAMESPACES = ("/v1/", "/beacon/", "/pixel/", "/internal/", "//")
"""Paths below these are never the fallback's: it might redirect to a login page, whose 200 an
SDK with a mistyped path would take for the delivery of its events."""
_JSON = b"application/json; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_ROBOTS = b"User-agent: *\nDisallow: /\n"
_SICK_MS = 10_000
"""How long a failure of the log shows in `/health` while nothing is sent."""

Alerts = Callable[[], Sequence[str]]
Answer = Callable[[Scope, Headers, Send], Awaitable[None]]


class Gateway:
    """Takes events from RudderStack's SDKs and answers once they are in `log`.

    `sources` gives the source of a write key; `fallback` answers the paths that are not
    the data plane's (without one: `/` is the health, the rest 404); `suppressed` says if a
    user of a source must not be stored; `alerts` gives the names of what needs attention, for
    `/health`. Counters are in `stats`.
    """

    def __init__(
        self,
        sources: Sources,
        log: EventLog,
        clock: Clock,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        fallback: ASGIApp | None = None,
        suppressed: Suppressed | None = None,
        alerts: Alerts = tuple,
    ) -> None:
        self.stats = Stats()
        self._sources = sources
        self._clock = clock
        self._fallback = fallback
        self._alerts = alerts
        self._ingest = Ingest(sources, log, clock, limits, suppressed, self.stats)
        started = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        self._started_at = started.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self._gets: dict[str, Answer] = {
            "/health": self._health,
            "/version": self._version,
            "/robots.txt": self._robots,
            "/sourceConfig": self._source_config,
            "/sourceConfig/": self._source_config,
            **dict.fromkeys(_PIXELS, self._pixel),
        }
        if fallback is None:
            self._gets["/"] = self._health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of ASGI."""
        if scope["type"] != "http":
            await self._not_http(scope, receive, send)
            return
        path = scope["path"]
        endpoint = _EVENT_ROUTES.get(path)
        if endpoint is not None:
            await self._events(endpoint, scope, receive, send)
        elif path == _BEACON:
            await self._events("batch", scope, receive, send, beacon=True)
        elif path == _COOKIES:
            await self._cookies(scope, receive, send)
        elif path in self._gets:
            await self._get(self._gets[path], scope, send)
        elif self._fallback is not None and not path.startswith(_NAMESPACES):
            await self._fallback(scope, receive, send)
        else:
            await _unknown_path(scope, send)

    async def _events(
        self, endpoint: str, scope: Scope, receive: Receive, send: Send, beacon: bool = False
    ) -> None:
        headers = answers.request_headers(scope)
        if scope["method"] != "POST":
            await _other_method(scope, headers, send, b"POST")
            return
        try:
            await self._ingest.take(endpoint, scope, headers, receive, beacon)
        except Refused as refusal:
            await self._refuse(refusal, headers, send)
        except ClientGone:
            self.stats.aborted += 1
        else:
            await answers.send_ok(send, headers)

    async def _cookies(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = answers.request_headers(scope)
        if scope["method"] != "POST":
            await _other_method(scope, headers, send, b"POST")
            return
        try:
            body = await self._ingest.read(headers, receive)
            cookies = cookie_headers(body, headers)
        except Refused as refusal:
            await self._refuse(refusal, headers, send)
        except ClientGone:
            self.stats.aborted += 1
        else:
            await answers.send_body(send, headers, b"ok", _TEXT, more=cookies)

    async def _refuse(self, refusal: Refused, headers: Headers, send: Send) -> None:
        self.stats.refused[refusal.reason] += 1
        await answers.send_refusal(send, headers, refusal.status, refusal.text, refusal.close)

    async def _get(self, answer: Answer, scope: Scope, send: Send) -> None:
        headers = answers.request_headers(scope)
        if scope["method"] != "GET":
            await _other_method(scope, headers, send, b"GET")
            return
        await answer(scope, headers, send)

    async def _pixel(self, scope: Scope, headers: Headers, send: Send) -> None:
        """Store what the query holds; the image is the answer whatever happens."""
        parameters = query_parameters(scope)
        kind = _PIXELS[scope["path"]]
        try:
            source = self._ingest.source(parameters.get("writeKey", ""))
            event = pixel_event(kind, parameters, self._clock.now_ms())
            person = person_of(event) if event is not None else ""
            if event is None or not person:
                self.stats.refused["empty_pixel"] += 1
            else:
                body = event_json(event)
                task = current_task()
                await self._ingest.store(source, kind, scope, headers, body, person, task)
                self.stats.requests += 1
                self.stats.events += 1
        except Refused as refusal:
            self.stats.refused[refusal.reason] += 1
        await answers.send_body(send, headers, GIF, b"image/gif")

    async def _source_config(self, scope: Scope, headers: Headers, send: Send) -> None:
        """400 for an unknown key, since on 401 the mobile SDKs would ask for ever."""
        key = key_in_header(headers) or query_parameters(scope).get("writeKey", "")
        source = self._sources(key) if key else None
        if source is None:
            self.stats.refused["unknown_write_key"] += 1
            await answers.send_refusal(send, headers, 400, "invalid write key")
        else:
            body = source_config(source, self._started_at)
            await answers.send_body(send, headers, body, _JSON)

    async def _health(self, scope: Scope, headers: Headers, send: Send) -> None:
        failed_at = self._ingest.log_failed_at
        if failed_at is not None and self._clock.now_ms() - failed_at < _SICK_MS:
            await answers.send_refusal(send, headers, 503, "Cannot connect to db")
            return
        health = {
            "appType": "EMBEDDED",
            "server": "UP",
            "db": "UP",
            "acceptingEvents": "TRUE",
            "routingEvents": "TRUE",
            "mode": "NORMAL",
            "backendConfigMode": "JSON",
            "lastSync": self._started_at,
            "lastRegulationSync": "",
        }
        if alerts := self._alerts():
            health["alerts"] = ",".join(alerts)
        await answers.send_body(send, headers, json.dumps(health).encode(), _JSON)

    async def _version(self, scope: Scope, headers: Headers, send: Send) -> None:
        try:
            number = version("sojourn")
        except PackageNotFoundError:
            number = "unknown"
        names = {"Version": number, "Commit": "", "BuildDate": "", "BuiltBy": "sojourn"}
        body = json.dumps({**names, "Features": "{}"}).encode()
        await answers.send_body(send, headers, body, _JSON)

    async def _robots(self, scope: Scope, headers: Headers, send: Send) -> None:
        await answers.send_body(send, headers, _ROBOTS, _TEXT)

    async def _not_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fallback is not None:
            await self._fallback(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        else:
            await _live(receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """ASGI's lifespan: there is nothing to start or stop."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _other_method(scope: Scope, headers: Headers, send: Send, allowed: bytes) -> None:
    if answers.is_preflight(scope, headers):
        await answers.send_preflight(send, headers)
    else:
        await answers.send_wrong_method(send, headers, allowed)


async def _unknown_path(scope: Scope, send: Send) -> None:
    headers = answers.request_headers(scope)
    if answers.is_preflight(scope, headers):
        await answers.send_preflight(send, headers)
    else:
        await answers.send_refusal(send, headers, 404, "404 page not found")
