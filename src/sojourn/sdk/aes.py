"""AES-256 in CBC mode with OpenSSL's key derivation, for the cookies of the old JavaScript SDK.

The standard library has no AES. This one is slow (about 30 µs a block) and is no protection of
anything: the passphrase is a constant that is printed in the JavaScript. It only reads and
writes a format. Source: FIPS 197; OpenSSL's `EVP_BytesToKey` (MD5, one round).
"""

from __future__ import annotations

import hashlib
import operator
from functools import cache
from typing import NamedTuple

_HEAD = b"Salted__"
_SALT = 8
_BLOCK = 16
_KEY = 32
_ROUNDS = 14


class _Cipher(NamedTuple):
    """One direction of AES: the round tables, the last round's box, the shift of the rows."""

    rounds: tuple[tuple[int, ...], ...]
    box: bytes
    step: int


def _rotations(words: list[int]) -> tuple[tuple[int, ...], ...]:
    """The four tables of a round: `words`, rotated right by 0, 8, 16 and 24 bits."""
    return tuple(
        tuple((w >> shift | w << (32 - shift)) & 0xFFFFFFFF for w in words)
        for shift in (0, 8, 16, 24)
    )


@cache
def _ciphers() -> tuple[_Cipher, _Cipher]:
    """The tables of encryption and decryption, computed from the field GF(2⁸)."""
    power, x = [], 1
    for _ in range(255):  # 3 generates the field's multiplicative group
        power.append(x)
        x ^= (x << 1) ^ (0x11B if x & 0x80 else 0)
    log = {value: i for i, value in enumerate(power)}

    def times(a: int, b: int) -> int:
        return power[(log[a] + log[b]) % 255] if a and b else 0

    box = bytearray(256)
    inverse_box = bytearray(256)
    for value in range(256):
        inverse = power[-log[value] % 255] if value else 0
        bits = 0
        for shift in range(5):
            bits ^= inverse << shift
        s = (bits ^ bits >> 8) & 0xFF ^ 0x63
        box[value] = s
        inverse_box[s] = value
    forth = [times(s, 2) << 24 | s << 16 | s << 8 | times(s, 3) for s in box]
    back = [
        times(s, 14) << 24 | times(s, 9) << 16 | times(s, 13) << 8 | times(s, 11)
        for s in inverse_box
    ]
    return (
        _Cipher(_rotations(forth), bytes(box), 1),
        _Cipher(_rotations(back), bytes(inverse_box), 3),
    )


def _schedule(key: bytes) -> list[int]:
    """The 60 round keys' words for encryption."""
    box = _ciphers()[0].box
    words = [int.from_bytes(key[i : i + 4], "big") for i in range(0, _KEY, 4)]
    constant = 1
    for i in range(8, 4 * (_ROUNDS + 1)):
        word = words[i - 1]
        if i % 8 == 0:
            word = (word << 8 | word >> 24) & 0xFFFFFFFF
        if i % 4 == 0:
            word = int.from_bytes(bytes(box[b] for b in word.to_bytes(4, "big")), "big")
        if i % 8 == 0:
            word ^= constant << 24
            constant <<= 1
        words.append(words[i - 8] ^ word)
    return words


def _inverse_schedule(key: bytes) -> list[int]:
    """The round keys of the equivalent inverse cipher: reversed, the inner ones mixed."""
    forth, back = _ciphers()
    words = _schedule(key)
    keys: list[int] = []
    for start in range(4 * _ROUNDS, -1, -4):
        for word in words[start : start + 4]:
            if 0 < start < 4 * _ROUNDS:
                parts = word.to_bytes(4, "big")
                word = 0
                for table, part in enumerate(parts):
                    word ^= back.rounds[table][forth.box[part]]
            keys.append(word)
    return keys


def _block(block: bytes, keys: list[int], cipher: _Cipher) -> bytes:
    """One block of 16 bytes through all rounds."""
    (t0, t1, t2, t3), box, step = cipher
    state = [int.from_bytes(block[4 * i : 4 * i + 4], "big") ^ keys[i] for i in range(4)]
    order = [(i, (i + step) % 4, (i + 2) % 4, (i - step) % 4) for i in range(4)]
    for at in range(4, 4 * _ROUNDS, 4):
        state = [
            t0[state[a] >> 24]
            ^ t1[state[b] >> 16 & 255]
            ^ t2[state[c] >> 8 & 255]
            ^ t3[state[d] & 255]
            ^ keys[at + a]
            for a, b, c, d in order
        ]
    last = (
        (
            box[state[a] >> 24] << 24
            | box[state[b] >> 16 & 255] << 16
            | box[state[c] >> 8 & 255] << 8
            | box[state[d] & 255]
        )
        ^ keys[4 * _ROUNDS + a]
        for a, b, c, d in order
    )
    return b"".join(word.to_bytes(4, "big") for word in last)


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(map(operator.xor, a, b))


def _key_and_iv(passphrase: bytes, salt: bytes) -> tuple[bytes, bytes]:
    digest, material = b"", b""
    while len(material) < _KEY + _BLOCK:
        # Not for security: FIPS builds of Python refuse MD5 otherwise.
        digest = hashlib.md5(digest + passphrase + salt, usedforsecurity=False).digest()
        material += digest
    return material[:_KEY], material[_KEY : _KEY + _BLOCK]


def decrypt(sealed: bytes, passphrase: bytes) -> bytes:
    """The plain text of `Salted__` ‖ salt ‖ ciphertext.

    Raises `ValueError` where the shape is wrong. As crypto-js does, only the last byte of the
    padding is looked at; whoever reads the text finds out whether it makes sense.
    """
    body = sealed[len(_HEAD) + _SALT :]
    if not sealed.startswith(_HEAD) or not body or len(body) % _BLOCK:
        raise ValueError("not an OpenSSL-style salted ciphertext")
    key, previous = _key_and_iv(passphrase, sealed[len(_HEAD) : len(_HEAD) + _SALT])
    keys, cipher = _inverse_schedule(key), _ciphers()[1]
    plain = bytearray()
    for at in range(0, len(body), _BLOCK):
        block = body[at : at + _BLOCK]
        plain += _xor(_block(block, keys, cipher), previous)
        previous = block
    return bytes(plain[: max(0, len(plain) - plain[-1])])


def encrypt(plain: bytes, passphrase: bytes, salt: bytes) -> bytes:
    """`Salted__` ‖ salt ‖ ciphertext, padded after PKCS#7. `salt` is 8 random bytes."""
    key, previous = _key_and_iv(passphrase, salt)
    keys, cipher = _schedule(key), _ciphers()[0]
    pad = _BLOCK - len(plain) % _BLOCK
    padded = plain + bytes((pad,)) * pad
    sealed = bytearray(_HEAD + salt)
    for at in range(0, len(padded), _BLOCK):
        previous = _block(_xor(padded[at : at + _BLOCK], previous), keys, cipher)
        sealed += previous
    return bytes(sealed)
