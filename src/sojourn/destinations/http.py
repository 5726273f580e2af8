"""Sending requests over HTTP with aiohttp, and never to addresses that must not be called."""

from __future__ import annotations

import email.utils
import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from isal import igzip
from yarl import URL

from sojourn.destinations.request import Body, Request, Response
from sojourn.destinations.values import text

NO_ANSWER = 504
"""Stands for a request that got no answer: refused, reset, timed out."""
REFUSED = 403
"""Stands for a request that was not made, as its address is internal."""

_MOST_BYTES = 64 * 1024
"""As much of an answer is read; the rest says nothing new."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class InternalAddress(OSError):
    """The address is not on the public internet."""


def encoded(body: Body) -> tuple[bytes, dict[str, str]]:
    """The body's bytes and the headers that follow from how it was encoded."""
    if body.format == "form":
        fields = {name: _form_text(value) for name, value in body.value.items()}
        data = urlencode(fields).encode()
        return data, {"Content-Type": "application/x-www-form-urlencoded"}
    data = body.value.encode() if body.format == "text" else msgspec.json.encode(body.value)
    if body.gzip:
        return igzip.compress(data), {"Content-Encoding": "gzip"}
    return data, {}


def _form_text(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else text(value)


def query_text(query: Mapping[str, Any]) -> dict[str, str]:
    """Query values as they go on the wire: text; objects and arrays as JSON; null left out."""
    return {name: _form_text(value) for name, value in query.items() if value is not None}


class HttpSender:
    """Sends requests over one pool of connections.

    With `public_only`, every address that a name resolves to is checked, for each redirect
    anew, and the connection goes to the address that was checked. `sign` turns the bytes of a
    body into headers.
    """

    def __init__(
        self,
        *,
        timeout: float = 30,
        public_only: bool = False,
        redirects: int = 0,
        connections: int = 64,
        sign: Callable[[bytes], Mapping[str, str]] | None = None,
    ) -> None:
        self.timeout = timeout
        self.public_only = public_only
        self.redirects = redirects
        self.connections = connections
        self.sign = sign
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            resolver = PublicResolver() if self.public_only else aiohttp.ThreadedResolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.connections, resolver=resolver),
                timeout=aiohttp.ClientTimeout(total=self.timeout),
                headers={"User-Agent": "Sojourn"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def send(self, request: Request) -> Response:
        """Send one request. Never raises for the far end: no answer is status 504."""
        try:
            data, headers = (None, {}) if request.body is None else encoded(request.body)
        except (ValueError, TypeError, OverflowError) as error:
            return Response(400, f"the request cannot be written: {error}")
        headers |= request.headers
        if self.sign is not None and data is not None:
            headers |= self.sign(data)
        return await self.send_bytes(request.method, request.url, data, headers, request.query)

    async def send_bytes(
        self,
        method: str,
        url: str,
        data: bytes | None,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send a body that is encoded already; see `send`."""
        try:
            target = URL(url)
            if query:
                target = target.update_query(query_text(query))
            for _ in range(self.redirects + 1):
                if self.public_only:
                    check_literal(target.host or "")
                response, location = await self._once(method, target, data, headers)
                if location is None or response.status not in _REDIRECTS:
                    break
                target = target.join(URL(location))
                if response.status == 303:
                    method, data = "GET", None
            return response
        except InternalAddress as error:
            return Response(REFUSED, str(error))
        except (ValueError, aiohttp.InvalidURL) as error:
            return Response(400, f"the request cannot be sent: {error}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            cause = getattr(error, "os_error", None)
            if isinstance(cause, InternalAddress):
                return Response(REFUSED, str(cause))
            return Response(NO_ANSWER, f"no answer: {type(error).__name__}: {error}")

    async def _once(
        self, method: str, url: URL, data: bytes | None, headers: Mapping[str, str]
    ) -> tuple[Response, str | None]:
        async with self._opened().request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as answer:
            raw = await _read(answer.content)
            names = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, _parsed(raw), names), names.get("location")

    async def close(self) -> None:
        """Close the connections. Safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """The body up to the limit. Raises where it breaks off: such an answer tells nothing."""
    raw = bytearray()
    async for chunk in stream.iter_any():
        raw += chunk
        if len(raw) >= _MOST_BYTES:
            break
    return bytes(raw)


def _parsed(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw.decode("utf-8", "replace")


def retry_after(response: Response) -> float | None:
    """The wait that the far end asks for, seconds: `Retry-After` as a number or a date."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def check_literal(host: str) -> None:
    """Raise `InternalAddress` where `host` is an address that is not public."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global or address.is_multicast:
        raise InternalAddress(f"{host} is an internal address; `allow_internal` permits it")


class PublicResolver(AbstractResolver):
    """Resolves names and refuses those with any address that is not public."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises `InternalAddress` (an OSError)."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            check_literal(one["host"])
        return found

    async def close(self) -> None:
        """Nothing of its own to release."""
        await self._inner.close()
