"""Who sends: the write key of a request."""

from __future__ import annotations

import binascii
from base64 import b64decode
from functools import lru_cache
from urllib.parse import parse_qsl

from sojourn.gateway.answers import Headers, Scope


def key_in_header(headers: Headers) -> str:
    """The user name of the Basic credentials; empty if there is none to read."""
    value = headers.get(b"authorization")
    return _basic_user(value) if value else ""


@lru_cache(maxsize=4096)
def _basic_user(value: bytes) -> str:
    """The scheme's case does not matter; the password does not count; a colon must be there."""
    if value[:6].lower() != b"basic ":
        return ""
    try:
        user, colon, _ = b64decode(value[6:], validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return ""
    return user.decode("utf-8", "replace") if colon else ""


def query_parameters(scope: Scope) -> dict[str, str]:
    """The parameters of the query string; of repeated ones the first."""
    text = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace")
    return dict(pairs[::-1])


def request_ip(scope: Scope, headers: Headers) -> str:
    """The first entry of `X-Forwarded-For`, else the peer; empty if neither is known."""
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded:
        first = forwarded.partition(b",")[0].replace(b" ", b"")
        if first:
            return first.decode("latin-1")
    client = scope.get("client")
    return client[0] if client else ""
