"""Which message ids were seen lately: the memory behind deduplication.

An id is remembered only once its event is in the `events` stream. So a crash between the two
makes an event appear there twice, which every reader must bear, and never loses one: a
remembered id proves that the event is stored, even when the same request is processed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sojourn.core.ports import Clock, StateStore

_SPACE = "seen"
_LONGEST_ID = 128


class Seen:
    """The message ids of the last `window_ms` milliseconds, counted from first sight."""

    def __init__(self, state: StateStore, clock: Clock, window_ms: int) -> None:
        self._state = state
        self._clock = clock
        self._window_ms = window_ms
        self.active = window_ms > 0

    @staticmethod
    def key(source_id: str, message_id: str) -> str:
        """The key of an id; ids of different sources have nothing to do with each other."""
        if len(message_id) > _LONGEST_ID:
            message_id = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{source_id}\x1f{message_id}"

    def known(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that are remembered."""
        return set(self._state.get(_SPACE, keys)) if self.active else set()

    def remember(self, keys: Sequence[str]) -> None:
        """Remember new keys, durably. Call it after their events are stored."""
        if keys and self.active:
            expires = self._clock.now_ms() + self._window_ms
            self._state.put(_SPACE, dict.fromkeys(keys, b""), expires)


def forget_ids(state: StateStore, keys: Sequence[str]) -> int:
    """Forget message ids by their `Seen.key`; how many were remembered."""
    known = state.get(_SPACE, keys)
    state.delete(_SPACE, list(known))
    return len(known)
