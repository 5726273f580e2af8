"""Any WSGI application: `app = Middleware(app, client)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.ids import SystemClock
from sojourn.sdk.integrations.request import Joining, Visit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from sojourn.sdk.client import Client

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], Any]]


class Middleware:
    """Events during a request, its streamed body included, carry the browser's session."""

    def __init__(
        self,
        app: Callable[[Environ, StartResponse], Iterable[bytes]],
        client: Client,
        joining: Joining = Joining(),  # noqa: B008 (a frozen value)
    ) -> None:
        self._app = app
        self._client = client
        self._joining = joining

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (PEP 3333)."""

        def header(name: str) -> Optional[str]:
            value = environ.get("HTTP_" + name.upper().replace("-", "_"))
            if not isinstance(value, str):
                return None
            return value.encode("latin-1", "replace").decode("utf-8", "replace")

        now = SystemClock.now_ms()
        visit = Visit(self._client, self._joining, header, _url(environ), now)

        def start(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: Optional[tuple[type[BaseException], BaseException, TracebackType]] = None,
        ) -> Callable[[bytes], Any]:
            cookies = [("Set-Cookie", text) for text in visit.set_cookie_headers()]
            arguments = (exc_info,) if exc_info else ()
            return start_response(status, [*headers, *cookies], *arguments)

        visit.scope.__enter__()
        try:
            body = self._app(environ, start)
        except BaseException:
            visit.scope.__exit__()
            raise
        return _Body(body, visit)


class _Body:
    """The response's body; the scope ends when the server closes it, not when it begins."""

    def __init__(self, body: Iterable[bytes], visit: Visit) -> None:
        self._body = body
        self._visit = visit

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._visit.scope.__exit__()


def _url(environ: Environ) -> str:
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")) or "/"
    path = path.encode("latin-1", "replace").decode("utf-8", "replace")
    query = environ.get("QUERY_STRING", "")
    url = f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}"
    return f"{url}?{query}" if query else url
