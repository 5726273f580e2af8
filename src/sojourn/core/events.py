"""The six calls and their names on the wire (RudderStack's event spec)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Literal

CallType = Literal["identify", "track", "page", "screen", "group", "alias"]
CALL_TYPES: tuple[CallType, ...] = ("identify", "track", "page", "screen", "group", "alias")
VIEW_TYPES: tuple[CallType, ...] = ("page", "screen")

_ASCII_SPACE = " \t\n\v\f\r"


def clean_id(value: Any) -> str:
    """An id as RudderStack's gateway reads it: text without invisible characters, trimmed.

    Null is the empty string; what is not a string counts as its JSON text (the caller
    passes it as such); so `0` and `false` are valid ids. Source: rudder-server's gateway.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else _json_text(value)
    if text.isascii() and text.isprintable():
        return text.strip(_ASCII_SPACE)
    return "".join(c for c in text if c.isprintable()).strip(_ASCII_SPACE)


def _json_text(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, float)):
        return repr(value)
    import json  # only odd ids need it

    return json.dumps(value, separators=(",", ":"))


def rudder_id(user_id: str, anonymous_id: str) -> str:
    """The `rudderId` of an event: md5 of both cleaned ids, shaped as a UUID of version 4."""
    digest = hashlib.md5(f"{user_id}:{anonymous_id}".encode("utf-8", "surrogatepass")).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def derived_message_id(batch_id: str, index: int) -> str:
    """The `messageId` of an event that came without one.

    It follows from the request's own id and the event's place in it, so that replaying the
    raw stream gives the same ids.
    """
    digest = hashlib.md5(f"{batch_id}:{index}".encode()).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def person_key(source_id: str, anonymous_id: str, user_id: str) -> str:
    """The partition key of an event: order is kept per source and person."""
    return f"{source_id}:{anonymous_id or user_id}"
