"""Any ASGI application: `app = Middleware(app, client)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.ids import SystemClock
from sojourn.sdk.integrations.request import Joining, Visit

if TYPE_CHECKING:
    from sojourn.sdk.client import Client

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Middleware:
    """Events during a request or a WebSocket carry the browser's session."""

    def __init__(
        self,
        app: App,
        client: Client,
        joining: Joining = Joining(),  # noqa: B008 (a frozen value)
    ) -> None:
        self._app = app
        self._client = client
        self._joining = joining

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            joiner = b"; " if name == b"cookie" else b", "  # HTTP/2 may split cookies
            headers[name] = headers[name] + joiner + value if name in headers else value

        def header(name: str) -> Optional[str]:
            value = headers.get(name.lower().encode("latin-1"))
            return None if value is None else value.decode("utf-8", "replace")

        url = _url(scope, header("Host"))
        visit = Visit(self._client, self._joining, header, url, SystemClock.now_ms())

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookies = visit.set_cookie_headers()
                if cookies:
                    added = [(b"set-cookie", text.encode("latin-1")) for text in cookies]
                    message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        with visit.scope:
            await self._app(scope, receive, send_with_cookies)


def _url(scope: MutableMapping[str, Any], host: Optional[str]) -> str:
    if not host:
        server = scope.get("server") or ("", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "http"), scope.get("scheme"))
    query = scope.get("query_string", b"").decode("latin-1")
    url = f"{scheme or 'http'}://{host}{scope.get('path') or '/'}"
    return f"{url}?{query}" if query else url
