"""The JavaScript SDK's cookies are read as that SDK reads them, and whatever is odd is absent."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.sdk import aes
from sojourn.sdk.cookies import (
    BrowserIdentity,
    Cookie,
    active_session_id,
    browser_identity,
    decode_cookie,
    encode_cookie,
    parse_cookie_header,
    read_cookie,
    set_cookie_header,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "cookies.jsonl"
NOW = 1_795_516_771_000


def vectors() -> list[dict[str, Any]]:
    return [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines()]


def v3(text: str) -> str:
    return "RS_ENC_v3_" + base64.b64encode(text.encode()).decode().replace("=", "%3D")


@pytest.mark.parametrize("vector", vectors(), ids=lambda v: v["id"])
def test_every_recorded_cookie_is_read_as_the_sdk_reads_it(vector: dict[str, Any]) -> None:
    cookie = read_cookie(vector["cookie"], vector["name"])
    assert cookie == (vector["encoding"], vector["value"])
    for moment in vector.get("session_id_at", ()):
        assert active_session_id(cookie.value, moment["now_ms"]) == moment["session_id"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", Cookie("none", None)),
        ("%E0%A4%A", Cookie("none", None)),  # malformed escape
        ("%FF", Cookie("none", None)),  # not UTF-8
        ("%22user%22", Cookie("plain", "user")),
        ('"user"', Cookie("plain", "user")),
        ("42", Cookie("plain", 42)),
        (v3('"日本"'), Cookie("v3", "日本")),
        (v3("{").rstrip("%3D"), Cookie("v3", None)),
        ("RS_ENC_v3_%%%", Cookie("none", None)),
        ("RS_ENC_v3_!!!!", Cookie("v3", None)),
        ("RS_ENC_v3_", Cookie("v3", None)),
        (v3("Infinity"), Cookie("v3", None)),
        (v3(json.dumps("RS_ENC_v3_" + base64.b64encode(b'"deep"').decode())), Cookie("v3", "deep")),
        (v3("[" * 3000), Cookie("v3", None)),
        ("RudderEncrypt:", Cookie("legacy", None)),
        ("RudderEncrypt:AAAA", Cookie("legacy", None)),
        ("RudderEncrypt%3AU2FsdGVkX18AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D", Cookie("legacy", None)),
        ("v3_RudderEncrypt:abc", Cookie("plain", None)),
        ('"' + "x" * 5000 + '"', Cookie("none", None)),  # longer than browsers store
    ],
)
def test_whatever_fails_at_any_layer_counts_as_absent(raw: str, expected: Cookie) -> None:
    assert decode_cookie(raw) == expected


def test_invalid_utf8_below_the_base64_becomes_the_replacement_character() -> None:
    raw = "RS_ENC_v3_" + base64.b64encode(b'"a\xffb"').decode()
    assert decode_cookie(raw) == Cookie("v3", "a\ufffdb")


def test_odd_neighbours_cost_no_cookie() -> None:
    header = (
        'json={"a":"b, c"}; a b=1; [x]=1; m@il=2; bare; =nameless; bad=%ZZ; zürich=ü; '
        f"rl_user_id={v3('first')}; rl_user_id={v3(chr(34) + 'u' + chr(34))};  "
        f"rl%5Fanonymous_id = {v3(chr(34) + 'anon' + chr(34))} ;"
    )
    for sent in (header, header.encode()):
        assert browser_identity(sent, now_ms=NOW) == BrowserIdentity("anon", "u", None)


def test_an_unencoded_value_ends_at_the_second_equals_sign_and_is_still_read() -> None:
    raw = "RS_ENC_v3_" + base64.b64encode(b'"ab"').decode()
    assert "=" in raw
    assert read_cookie(f"rl_user_id={raw}", "rl_user_id").value == "ab"
    assert parse_cookie_header("x=1=2") == {"x": "1"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": 1795516770000, "manualTrack": True}, 1795516770000),
        ({"id": "1795516770000", "manualTrack": True}, None),  # forged: not a number
        ({"id": True, "manualTrack": True}, None),
        ({"id": 123456789, "manualTrack": True}, None),  # too short
        ({"id": 2**63, "manualTrack": True}, None),  # does not fit 64 bits
        ({"id": 1795516770000.5, "manualTrack": True}, None),
        ({"id": 1795516770000, "autoTrack": True}, None),  # no expiry: expired
        ({"id": 1795516770000, "autoTrack": True, "expiresAt": NOW}, 1795516770000),
        ({"id": 1795516770000, "autoTrack": True, "expiresAt": NOW - 1}, None),
        ({"id": 1795516770000, "expiresAt": NOW}, None),  # neither kind
        ([1795516770000], None),
        (None, None),
    ],
)
def test_a_session_id_is_an_integer_of_ten_digits_in_an_active_session(
    record: Any, expected: int | None
) -> None:
    header = f"rl_session={encode_cookie(record)}"
    assert browser_identity(header, now_ms=NOW).session_id == expected


def test_empty_long_and_untyped_ids_are_none() -> None:
    for value in ("", "  ", "x" * 513, 42, ["a"], {"a": 1}, None):
        header = f"rl_user_id={encode_cookie(value)}; rl_anonymous_id={encode_cookie(value)}"
        assert browser_identity(header, now_ms=NOW) == BrowserIdentity()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(json_values, st.sampled_from(["v3", "legacy", "plain"]))
def test_what_is_encoded_is_decoded_again(value: Any, encoding: Any) -> None:
    raw = encode_cookie(value, encoding)
    expected = json.loads(json.dumps(value))
    if len(raw) <= 4096 and not _has_surrogates(value):
        assert decode_cookie(raw) == (encoding, expected)
    assert raw.isascii()
    assert not set(raw) & set(' ;,"=')


def _has_surrogates(value: Any) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in json.dumps(value, ensure_ascii=False))


@settings(deadline=None)
@given(st.text() | st.binary())
def test_no_header_raises(header: str | bytes) -> None:
    identity = browser_identity(header, now_ms=NOW)
    assert isinstance(identity, BrowserIdentity)
    text = header if isinstance(header, str) else header.decode("utf-8", "replace")
    for prefix in ("", "RS_ENC_v3_", "RudderEncrypt%3A", "RudderEncrypt%3AU2FsdGVkX1"):
        decode_cookie(prefix + text)


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=20), st.binary(min_size=8, max_size=8))
def test_aes_agrees_with_an_independent_implementation(
    plain: bytes, passphrase: bytes, salt: bytes
) -> None:
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers")
    sealed = aes.encrypt(plain, passphrase, salt)
    key, iv = aes._key_and_iv(passphrase, salt)
    decryptor = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CBC(iv)).decryptor()
    padded = decryptor.update(sealed[16:]) + decryptor.finalize()
    assert padded[: -padded[-1]] == plain
    assert aes.decrypt(sealed, passphrase) == plain


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl program")
def test_openssl_reads_what_we_write() -> None:
    sealed = aes.encrypt(b'{"id":1}', b"Rudder", b"saltsalt")
    command = ["openssl", "enc", "-d", "-aes-256-cbc", "-md", "md5", "-pass", "pass:Rudder"]
    done = subprocess.run(command, input=sealed, capture_output=True, check=True)
    assert done.stdout == b'{"id":1}'


def test_a_set_cookie_header_has_the_sdks_attributes() -> None:
    assert set_cookie_header("rl_user_id", "u", domain=".example.com") == (
        "rl_user_id=RS_ENC_v3_InUi; Max-Age=31536000; Path=/; Domain=.example.com; SameSite=Lax"
    )
    assert set_cookie_header("rl_session", None, secure=True) == (
        "rl_session=; Max-Age=0; Path=/; SameSite=Lax; Secure"
    )
