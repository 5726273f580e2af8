"""Answers on the wire: plain texts, JSON, and the CORS headers that go with each of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = dict[bytes, bytes]
"""Request headers by lower-case name; of repeated ones the first, as Go's `Header.Get`."""
HeaderList = list[tuple[bytes, bytes]]

_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_CORS_METHODS = frozenset((b"GET", b"POST", b"HEAD"))
_PREFLIGHT_VARY = (
    b"vary",
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
)
_VARY = (b"vary", b"Origin")
_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_NOSNIFF = (b"x-content-type-options", b"nosniff")

_OK_HEAD: HeaderList = [_TEXT, (b"content-length", b"2"), _VARY]
_OK_BODY = {"type": "http.response.body", "body": b"ok"}


def request_headers(scope: Scope) -> Headers:
    """The headers of a request."""
    return dict(scope["headers"][::-1])


def cors(headers: Headers) -> HeaderList:
    """What lets the page that asked read the answer, errors included.

    Never `*`: it is invalid together with credentials, and beacons come with credentials.
    """
    origin = headers.get(b"origin")
    if not origin or _UNSENDABLE(origin):
        return [_VARY]
    return [_VARY, (b"access-control-allow-origin", origin), _CREDENTIALS]


async def send_ok(send: Send, headers: Headers) -> None:
    """The answer to every accepted event request: the two letters `ok`."""
    head = _OK_HEAD if b"origin" not in headers else [*_OK_HEAD[:2], *cors(headers)]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send(_OK_BODY)


async def send_refusal(
    send: Send, headers: Headers, status: int, text: str, close: bool = False
) -> None:
    """A refusal as Go's `http.Error` words it: the text and a line feed."""
    more = [_NOSNIFF, (b"connection", b"close")] if close else [_NOSNIFF]
    await send_body(send, headers, text.encode() + b"\n", _TEXT[1], status, more)


async def send_body(
    send: Send,
    headers: Headers,
    body: bytes,
    content_type: bytes,
    status: int = 200,
    more: HeaderList | None = None,
) -> None:
    """Any answer with a body. `more`: further headers."""
    head = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        *(more or ()),
        *cors(headers),
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def send_wrong_method(send: Send, headers: Headers, allowed: bytes) -> None:
    """405, without a body."""
    head = [(b"allow", allowed), (b"content-length", b"0"), *cors(headers)]
    await send({"type": "http.response.start", "status": 405, "headers": head})
    await send({"type": "http.response.body", "body": b""})


def is_preflight(scope: Scope, headers: Headers) -> bool:
    """An OPTIONS that asks what a later request may do."""
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in headers


async def send_preflight(send: Send, headers: Headers) -> None:
    """204: the origin, the method and the headers that were asked for are allowed.

    Other methods than GET, POST and HEAD, and requests without an origin, get a bare 204.
    """
    method = headers[b"access-control-request-method"].upper()
    asked = headers.get(b"access-control-request-headers", b"")
    origin = headers.get(b"origin", b"")
    head: HeaderList = [_PREFLIGHT_VARY]
    if origin and method in _CORS_METHODS and not _UNSENDABLE(origin + asked):
        head += [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", method),
            _CREDENTIALS,
            (b"access-control-max-age", b"900"),
        ]
        if asked:
            head.append((b"access-control-allow-headers", asked))
    await send({"type": "http.response.start", "status": 204, "headers": head})
    await send({"type": "http.response.body", "body": b""})
