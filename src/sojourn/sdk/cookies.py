"""The cookies of RudderStack's JavaScript SDK: reading and writing them, joining a browser.

A value has three layers: URI component encoding; a prefix that names the encoding (`v3`:
base64, `legacy`: AES with a constant passphrase, none: plain); JSON. Whatever fails at any
layer counts as absent, never as an error. Source: @rudderstack/analytics-js 3.34.1 and
rudder-sdk-js 2.52.21, as observed.

The cookies are the client's to forge: what is read here identifies, and proves nothing.
"""

from __future__ import annotations

import binascii
import json
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Encoding = Literal["v3", "legacy", "plain"]

SESSION = "rl_session"
ANONYMOUS_ID = "rl_anonymous_id"
USER_ID = "rl_user_id"
TRAITS = "rl_trait"

YEAR_SECONDS = 365 * 24 * 3600
"""How long the SDK's cookies live."""

_V3 = "RS_ENC_v3_"
_LEGACY = "RudderEncrypt:"
_PASSPHRASE = b"Rudder"
_MAX_VALUE = 4096
_MAX_HEADER = 64 * 1024
_MAX_ID = 512
_MIN_SESSION_ID = 10**9
_MAX_SESSION_ID = 2**63 - 1

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-_.!~*'()]")
_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Cookie(NamedTuple):
    """What a cookie holds: how it was encoded (`none`: absent or unreadable), and its value."""

    encoding: str
    """`v3`, `legacy`, `plain` or `none`."""
    value: Any
    """The decoded JSON value; `None` if absent or undecodable."""


class BrowserIdentity(NamedTuple):
    """Who a browser says it is, as far as its cookies tell. Each part may be `None`."""

    anonymous_id: str | None = None
    user_id: str | None = None
    session_id: int | None = None
    """The id of the session that is active; `None` if there is none or it is over."""


def parse_cookie_header(header: str | bytes) -> dict[str, str]:
    """The cookies of a `Cookie` header, values still URI encoded; of a repeated name the last.

    Reads what browsers send, not what RFC 6265 allows them: `http.cookies` loses every cookie
    behind one that it dislikes. A value ends at a second `=`, as it does for the SDK.
    """
    text = header.decode("utf-8", "replace") if isinstance(header, bytes) else header
    cookies: dict[str, str] = {}
    for pair in text[:_MAX_HEADER].split(";"):
        name, _, value = pair.partition("=")
        name = _unescape(name.strip()) or ""
        if name:
            cookies[name] = value.partition("=")[0].strip()
    return cookies


def read_cookie(header: str | bytes, name: str) -> Cookie:
    """The cookie `name` of a `Cookie` header, decoded."""
    return decode_cookie(parse_cookie_header(header).get(name, ""))


def decode_cookie(raw: str) -> Cookie:
    """The value of one cookie as it stands in the header. Never raises."""
    text = _unescape(raw) if 0 < len(raw) <= _MAX_VALUE else None
    if not text:
        return Cookie("none", None)
    if text.startswith(_LEGACY):
        encoding = "legacy"
    else:
        encoding = "v3" if text.startswith(_V3) else "plain"
    return Cookie(encoding, decode_value(text))


def decode_value(text: str) -> Any:
    """The JSON value in a stored text without its URI encoding; `None` if undecodable.

    Decrypts again while the result is a text that decrypts further, as the SDK does: sites
    that ran both generations of it have such values.
    """
    try:
        value = _loads(_decrypt(text))
        while isinstance(value, str):
            inner = _decrypt(value)
            if inner == value:
                break
            value = _loads(inner)
    except (ValueError, RecursionError):
        return None
    return value


def encode_value(value: Any, encoding: Encoding = "v3") -> str:
    """The text that the SDK stores for a JSON value, without URI encoding."""
    text = _dumps(value)
    data = text.encode("utf-8", "replace")
    if encoding == "v3":
        return _V3 + binascii.b2a_base64(data, newline=False).decode("ascii")
    if encoding == "legacy":
        from sojourn.sdk.aes import encrypt  # few need it, and it builds tables

        sealed = encrypt(data, _PASSPHRASE, os.urandom(8))
        return _LEGACY + binascii.b2a_base64(sealed, newline=False).decode("ascii")
    return text


def encode_cookie(value: Any, encoding: Encoding = "v3") -> str:
    """The cookie's value as it goes into a header: encoded, then URI component encoded."""
    data = encode_value(value, encoding).encode("utf-8", "replace")
    return _UNSAFE.sub(lambda m: b"%%%02X" % m.group()[0], data).decode("ascii")


def set_cookie_header(
    name: str,
    value: Any,
    *,
    encoding: Encoding = "v3",
    domain: str | None = None,
    secure: bool = False,
    max_age: int = YEAR_SECONDS,
) -> str:
    """The value of a `Set-Cookie` header with the SDK's attributes. `value` `None` removes it.

    `max_age` is in seconds.
    """
    if value is None:
        return cookie_header(name, "", 0, domain, secure)
    return cookie_header(name, encode_cookie(value, encoding), max_age, domain, secure)


def cookie_header(name: str, raw: str, max_age: int, domain: str | None, secure: bool) -> str:
    """The same for a value that is encoded already.

    Not `HttpOnly`: the SDK on the page must be able to read it.
    """
    parts = [f"{name}={raw}", f"Max-Age={max_age}", "Path=/"]
    if domain:
        parts.append(f"Domain={domain}")
    parts.append("SameSite=Lax")
    if secure:
        parts.append("Secure")
    return "; ".join(parts)


def active_session_id(record: Any, now_ms: int) -> Any:
    """The `id` of a decoded `rl_session`, while it is active at `now_ms`, else `None`.

    As the SDK's `getSessionId()`: alive at the very millisecond of its expiry; a manual session
    for ever. The type of `id` is not checked here; `browser_identity` does that.
    """
    if not isinstance(record, dict):
        return None
    if record.get("manualTrack"):
        return record.get("id")
    if not record.get("autoTrack"):
        return None
    cut_off = record.get("cutOff")
    if isinstance(cut_off, dict) and cut_off.get("enabled"):
        end = cut_off.get("expiresAt")
        if end and _later(now_ms, end):
            return None
    expires_at = record.get("expiresAt")
    if not expires_at or _later(now_ms, expires_at):
        return None
    return record.get("id")


def browser_identity(cookie_header: str | bytes, *, now_ms: int) -> BrowserIdentity:
    """Who the browser that sent this `Cookie` header is, at `now_ms` (Unix milliseconds).

    Never raises. Ids are texts of at most 512 characters, a session id is an integer of at
    least 10 digits that fits 64 bits; anything else counts as absent. Never use `user_id` to
    authorise: the browser can set it as it likes.
    """
    cookies = parse_cookie_header(cookie_header)
    return identity_of(
        {name: decode_cookie(cookies[name]).value for name in _IDENTIFYING if name in cookies},
        now_ms,
    )


_IDENTIFYING = (ANONYMOUS_ID, USER_ID, SESSION)


def identity_of(values: Mapping[str, Any], now_ms: int) -> BrowserIdentity:
    """The identity in decoded values, by cookie name. Checks every type and length."""
    session_id = active_session_id(values.get(SESSION), now_ms)
    if type(session_id) is not int or not _MIN_SESSION_ID <= session_id <= _MAX_SESSION_ID:
        session_id = None
    return BrowserIdentity(
        _identifier(values.get(ANONYMOUS_ID)), _identifier(values.get(USER_ID)), session_id
    )


def _identifier(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > _MAX_ID:
        return None
    return value.strip() or None


def _unescape(text: str) -> str | None:
    """JavaScript's `decodeURIComponent`; `None` where that throws."""
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        return None
    first, *rest = text.encode("utf-8", "surrogatepass").split(b"%")
    data = bytearray(first)
    for part in rest:
        data.append(int(part[:2], 16))
        data += part[2:]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _later(now_ms: int, limit: Any) -> bool:
    """`now_ms > limit`, as JavaScript compares a number with anything: in doubt `False`."""
    try:
        return now_ms > float(limit)
    except (TypeError, ValueError, OverflowError):
        return False


def _base64(text: str) -> bytes:
    """What `atob` makes of it: the padding may be missing. Raises `ValueError`."""
    if not _BASE64.fullmatch(text):
        raise ValueError("not base64")
    digits = text.rstrip("=")
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))


def _decrypt(text: str) -> str:
    """Take off the legacy layer, then the v3 layer, where they are there."""
    if text.startswith(_LEGACY):
        text = _legacy_text(text)
    if text.startswith(_V3):
        return _base64(text[len(_V3) :]).decode("utf-8", "replace")
    return text


@lru_cache(maxsize=512)  # a legacy session cookie costs some 0.3 ms, and comes with every request
def _legacy_text(text: str) -> str:
    from sojourn.sdk.aes import decrypt

    return decrypt(_base64(text[len(_LEGACY) :]), _PASSPHRASE).decode("utf-8")
