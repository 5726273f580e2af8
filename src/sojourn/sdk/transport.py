"""HTTP with the standard library: one kept-alive connection, made at the first send."""

from __future__ import annotations

import encodings.idna  # noqa: F401 (connecting imports it, which must not happen in a fork)
import ssl
from collections.abc import Mapping
from http.client import BadStatusLine, HTTPConnection, HTTPSConnection
from typing import NamedTuple, Optional
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HTTPTransport:
    """Sends to one data plane. For one thread at a time; a forked child must make its own.

    `proxies` maps `http` and `https` to the URL of a proxy; without it a proxy is taken from
    `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as Python's own clients do.
    """

    def __init__(
        self,
        url: str,
        ssl_context: Optional[ssl.SSLContext] = None,
        proxies: Optional[Mapping[str, str]] = None,
    ) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._context = ssl_context
        self._proxies = proxies
        self._connection: Optional[HTTPConnection] = None
        self._requests = 0
        """Answered on this connection."""

    def send(self, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
        """POST the body; `timeout` in seconds. Raises `OSError` or `HTTPException`.

        A kept-alive connection that the server has closed meanwhile is made anew once.
        """
        try:
            return self._send(path, headers, body, timeout)
        except (ConnectionError, BadStatusLine):
            if self._requests == 0:
                raise
        return self._send(path, headers, body, timeout)

    def _send(self, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
        connection = self._connection or self._connect(timeout)
        self._connection = connection
        try:
            connection.request("POST", self._target + path, body, dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, dict(response.headers), response.read())
        except BaseException:
            self.close()
            raise
        self._requests += 1
        return answer

    def _connect(self, timeout: float) -> HTTPConnection:
        self._requests = 0
        scheme = "https" if self._secure else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        if self._proxies is not None:
            proxy = self._proxies.get(scheme)
        else:
            around = proxy_bypass(f"{host}:{self._port}")
            proxy = None if around else getproxies().get(scheme)
        self._target = self._prefix
        if proxy:
            via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            connection = self._open(via.hostname or "", via.port or 80, timeout)
            if self._secure:
                connection.set_tunnel(self._host, self._port)
            else:
                self._target = f"http://{host}:{self._port}{self._prefix}"
        else:
            connection = self._open(self._host, self._port, timeout)
        return connection

    def _open(self, host: str, port: int, timeout: float) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(host, port, timeout=timeout)
        context = self._context or _default_context()
        return HTTPSConnection(host, port, timeout=timeout, context=context)

    def close(self) -> None:
        """Close the connection; the next send makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _default_context() -> ssl.SSLContext:
    """The system's certificates, and those of `certifi` if it is there.

    iOS and python.org's builds for macOS have no system store that Python can use.
    """
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        return context
    context.load_verify_locations(certifi.where())
    return context
