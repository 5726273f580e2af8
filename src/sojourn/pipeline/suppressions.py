"""Whose events are thrown away: regulations, kept in the state store.

Of a user only the SHA-256 of the id is kept: enough to know their events again, and nothing that
tells who it was. Source of the rules: RudderStack's user suppression (by `userId` only, exact,
per source).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from sojourn.core.erasure import fingerprint
from sojourn.core.ports import Clock, StateStore

SPACE = "suppressions"
SUPPRESS = "suppress"
SUPPRESS_WITH_DELETE = "suppress_with_delete"
_COUNT = "count"
_PAGE = 200
_fingerprint = lru_cache(65_536)(fingerprint)


class Regulation(msgspec.Struct, frozen=True):
    """One order about users."""

    id: str
    number: int
    """From 0, in the order of creation."""
    kind: str
    """`suppress` or `suppress_with_delete`."""
    users: Sequence[str]
    """SHA-256 of the user ids, in hexadecimal."""
    source_ids: Sequence[str] = ()
    """Empty: all sources."""
    destinations: Sequence[str] = ()
    """Names of the destinations that were asked to delete."""
    created_at: int = 0
    """Milliseconds since the Unix epoch."""
    created_by: str = ""
    canceled: bool = False


class Suppressions:
    """All regulations; as a function it says if a user of a source is suppressed. Thread-safe."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        """Read what is stored. Raises `LogUnavailable`."""
        self._state = state
        self._clock = clock
        self._lock = threading.Lock()
        self._regulations = list(self._stored())
        self._by_user: dict[str, list[Regulation]] = {}
        self._index()

    def __call__(self, source_id: str, user_id: str) -> bool:
        """Whether the events of a user (by cleaned id) are to be thrown away."""
        if not self._by_user:
            return False
        found = self._by_user.get(_fingerprint(user_id), ())
        return any(not one.source_ids or source_id in one.source_ids for one in found)

    def __bool__(self) -> bool:
        """Whether anybody is suppressed."""
        return bool(self._by_user)

    def add(
        self,
        kind: str,
        user_ids: Sequence[str],
        source_ids: Sequence[str] = (),
        destinations: Sequence[str] = (),
        created_by: str = "",
    ) -> Regulation:
        """Suppress users (by cleaned id) from now on, durably."""
        with self._lock:
            regulation = Regulation(
                id=f"reg_{secrets.token_hex(12)}",
                number=len(self._regulations),
                kind=kind,
                users=[fingerprint(user_id) for user_id in user_ids],
                source_ids=list(source_ids),
                destinations=list(destinations),
                created_at=self._clock.now_ms(),
                created_by=created_by,
            )
            self._keep(regulation)
        return regulation

    def find(self, name: str) -> Regulation | None:
        """The regulation with this id."""
        with self._lock:
            return next((one for one in self._regulations if one.id == name), None)

    def cancel(self, name: str) -> Regulation | None:
        """Let the users of a regulation in again, durably; None if there is no such regulation."""
        with self._lock:
            found = next((one for one in self._regulations if one.id == name), None)
            if found is None:
                return None
            canceled = msgspec.structs.replace(found, canceled=True)
            self._keep(canceled)
            return canceled

    def after(self, number: int, most: int) -> list[Regulation]:
        """Up to `most` regulations after the one with this number (-1: from the first)."""
        with self._lock:
            return self._regulations[number + 1 : number + 1 + most]

    def _keep(self, regulation: Regulation) -> None:
        """Store a regulation at its number, then go by it."""
        page, place = divmod(regulation.number, _PAGE)
        content = self._regulations[page * _PAGE : (page + 1) * _PAGE]
        content[place : place + 1] = [regulation]
        count = max(regulation.number + 1, len(self._regulations))
        values: dict[str, Any] = {
            f"page.{page}": msgspec.json.encode(content),
            _COUNT: msgspec.json.encode(count),
        }
        self._state.put(SPACE, values, 0)
        self._regulations[regulation.number : regulation.number + 1] = [regulation]
        self._index()

    def _stored(self) -> Iterator[Regulation]:
        count = msgspec.json.decode(self._state.get(SPACE, [_COUNT]).get(_COUNT, b"0"), type=int)
        for start in range(0, count, _PAGE):
            name = f"page.{start // _PAGE}"
            page = self._state.get(SPACE, [name])[name]
            yield from msgspec.json.decode(page, type=list[Regulation])

    def _index(self) -> None:
        by_user: dict[str, list[Regulation]] = {}
        for regulation in self._regulations:
            if not regulation.canceled:
                for user in regulation.users:
                    by_user.setdefault(user, []).append(regulation)
        self._by_user = by_user
