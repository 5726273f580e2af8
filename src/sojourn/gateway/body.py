"""The body of a request: read with bounds on size, time and memory, and inflated."""

from __future__ import annotations

import io
from typing import Any

from isal import igzip, isal_zlib

from sojourn.gateway.answers import Headers, Message, Receive
from sojourn.gateway.limits import Limits
from sojourn.gateway.refusals import overloaded, too_large, unreadable_body
from sojourn.gateway.stats import Stats

_open_gzip: Any = igzip.IGzipFile  # the stubs of isal are incomplete
_BROKEN: Any = (isal_zlib.IsalError, OSError, EOFError)
_GZIP = 31
"""zlib's `wbits` for the gzip format."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class BodyReader:
    """Reads one body. `release` gives back what it takes of the memory for all bodies."""

    def __init__(self, receive: Receive, headers: Headers, limits: Limits, stats: Stats):
        self._receive = receive
        self._headers = headers
        self._limits = limits
        self._stats = stats
        self._held = 0

    async def read(self) -> bytes:
        """The body, inflated. Raises `Refused` or `ClientGone`."""
        declared = self._headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > self._limits.readable_bytes:
            raise too_large()
        message = await self._next()
        body: bytes = message.get("body", b"")
        self._hold(len(body))
        if message.get("more_body"):
            body = await self._rest(body)
        if self._headers.get(b"content-encoding") == b"gzip":
            body = inflate(body, self._limits.readable_bytes)
            self._hold(len(body))
        return body

    def release(self) -> None:
        """The body is no longer needed."""
        self._stats.buffered_bytes -= self._held
        self._held = 0

    async def _rest(self, first: bytes) -> bytes:
        chunks = [first]
        size = len(first)
        more = True
        while more:
            message = await self._next()
            chunk = message.get("body", b"")
            self._hold(len(chunk))
            size += len(chunk)
            if size > self._limits.readable_bytes:
                raise too_large()
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    def _hold(self, size: int) -> None:
        self._held += size
        self._stats.buffered_bytes += size
        if self._stats.buffered_bytes > self._limits.buffered_bytes:
            raise overloaded()


def inflate(data: bytes, most: int) -> bytes:
    """The content of a gzip file of one or more members, at most `most` bytes of it.

    Raises `Refused`: 413 if there is more, 400 if it is broken or cut short.
    """
    try:
        stream = isal_zlib.decompressobj(_GZIP)
        content: bytes = stream.decompress(data, most + 1)
        if stream.unused_data:
            content = _open_gzip(fileobj=io.BytesIO(data)).read(most + 1)
        elif not stream.eof and len(content) <= most:
            raise unreadable_body()
    except _BROKEN as error:
        raise unreadable_body() from error
    if len(content) > most:
        raise too_large()
    return content
