"""Django: `"sojourn.sdk.integrations.django.Middleware"` in `MIDDLEWARE`.

`SOJOURN_CLIENT` in the settings is a client, or the dotted name of one; without it the client
of `sojourn.configure()` is used. `SOJOURN_JOINING` is a `Joining`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.ids import SystemClock
from sojourn.sdk.integrations.request import Joining, Visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sojourn.sdk.client import Client


class Middleware:
    """Events during a request carry the browser's session, under WSGI and under ASGI."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction
        from django.conf import settings  # type: ignore[import-untyped,import-not-found,unused-ignore]

        self._get_response = get_response
        self._joining: Joining = getattr(settings, "SOJOURN_JOINING", Joining())
        self._named = getattr(settings, "SOJOURN_CLIENT", None)
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Serve one request."""
        if self._async:
            return self._serve_async(request)
        visit = self._visit(request)
        with visit.scope:
            return self._finish(visit, self._get_response(request))

    async def _serve_async(self, request: Any) -> Any:
        visit = self._visit(request)
        with visit.scope:
            return self._finish(visit, await self._get_response(request))

    def _visit(self, request: Any) -> Visit:
        def header(name: str) -> Optional[str]:
            value: Optional[str] = request.headers.get(name)
            return value

        scheme, host = request.scheme, request.META.get("HTTP_HOST", "")
        url = f"{scheme}://{host}{request.get_full_path()}"
        return Visit(self._client(), self._joining, header, url, SystemClock.now_ms())

    def _client(self) -> Client:
        if self._named is None:
            from sojourn.sdk.defaults import get_client

            return get_client()
        if isinstance(self._named, str):
            from django.utils import module_loading  # type: ignore[import-untyped,import-not-found,unused-ignore]

            self._named = module_loading.import_string(self._named)
        client: Client = self._named
        return client

    def _finish(self, visit: Visit, response: Any) -> Any:
        for cookie in visit.set_cookies():
            response.set_cookie(
                cookie.name,
                cookie.value,
                max_age=cookie.max_age,
                path="/",
                domain=self._joining.domain,
                secure=self._joining.secure,
                samesite="Lax",
            )
        if getattr(response, "streaming", False):
            wrap = _async_body if response.is_async else _body
            response.streaming_content = wrap(visit, response.streaming_content)
        return response


def _body(visit: Visit, parts: Iterator[bytes]) -> Iterator[bytes]:
    """A streamed body, made inside the scope of its request."""
    with visit.scope:
        yield from parts


async def _async_body(visit: Visit, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with visit.scope:
        async for part in parts:
            yield part
