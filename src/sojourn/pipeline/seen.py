"""Which message ids were seen lately: the memory behind deduplication.

An id is remembered only once its event is in the `events` stream. So a crash between the two
makes an event appear there twice, which every reader must bear, and never loses one: a
remembered id proves that the event is stored, even when the same request is processed again.

Of an id its digest is kept. The digests of one lot are one stored value: ids are random, and a
row for each would touch most pages of a large table with every lot. They are looked up in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence

from sojourn.core.ports import Clock, StateStore
from sojourn.pipeline.digests import SIZE, Digests

_SPACE = "seen"
_LAST = "last"
"""Under which the number of the last chunk is stored; chunks are stored under their numbers."""
_AT_ONCE = 500
"""Chunks that are read together."""
_HEAD = 8
"""Bytes before a chunk's digests: when they expire, milliseconds since the epoch."""


class Seen:
    """The message ids of the last `window_ms` milliseconds, counted from first sight.

    An id may be remembered an eighth longer. Each takes 16 bytes, of memory and of the store.
    """

    def __init__(self, state: StateStore, clock: Clock, window_ms: int) -> None:
        self._state = state
        self._clock = clock
        self._window_ms = window_ms
        self._next = 0
        self._digests: Digests | None = None
        self.active = window_ms > 0

    @staticmethod
    def key(source_id: str, message_id: str) -> bytes:
        """The key of an id; ids of different sources have nothing to do with each other."""
        text = f"{source_id}\x1f{message_id}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=SIZE).digest()

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of `keys` that are remembered."""
        return self._loaded().known(keys, self._clock.now_ms()) if self.active else set()

    def remember(self, keys: Sequence[bytes]) -> None:
        """Remember new keys, durably. Call it after their events are stored."""
        if keys and self.active:
            digests = self._loaded()
            expires = self._clock.now_ms() + self._window_ms
            chunk = b"".join(keys)
            values = {str(self._next): _packed(expires, chunk), _LAST: b"%d" % self._next}
            self._state.put(_SPACE, values, expires)
            self._next += 1
            digests.add(chunk, expires)

    def read_anew(self) -> None:
        """Go by what is stored: some of it may have been forgotten meanwhile."""
        self._digests = None

    def _loaded(self) -> Digests:
        if self._digests is None:
            digests = Digests(self._window_ms // 8)
            self._next = 0
            for number, value in _chunks(self._state):
                digests.add(value[_HEAD:], _expiry(value))
                self._next = max(self._next, number + 1)
            self._digests = digests
        return self._digests


def forget_ids(state: StateStore, keys: Collection[bytes]) -> int:
    """Forget message ids by their `Seen.key`; how many were remembered."""
    gone = set(keys)
    forgotten = 0
    for number, value in _chunks(state) if gone else ():
        there = [value[at : at + SIZE] for at in range(_HEAD, len(value), SIZE)]
        left = [key for key in there if key not in gone]
        if len(left) < len(there):
            expires = _expiry(value)
            state.put(_SPACE, {str(number): _packed(expires, b"".join(left))}, expires)
            forgotten += len(there) - len(left)
    return forgotten


def _packed(expires_at: int, digests: bytes) -> bytes:
    return expires_at.to_bytes(_HEAD, "little") + digests


def _expiry(value: bytes) -> int:
    return int.from_bytes(value[:_HEAD], "little")


def _chunks(state: StateStore) -> Iterator[tuple[int, bytes]]:
    """All chunks that have not expired, with their numbers, some of the newest first."""
    end = int(state.get(_SPACE, [_LAST]).get(_LAST, b"-1")) + 1
    while end > 0:
        start = max(0, end - _AT_ONCE)
        found = state.get(_SPACE, [str(number) for number in range(start, end)])
        if not found:
            return  # those before have expired
        yield from ((int(number), value) for number, value in found.items())
        end = start
