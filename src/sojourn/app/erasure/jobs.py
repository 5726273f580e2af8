"""Erasure jobs and receipts in the state store: what a crash must not lose, and what auditors ask.

While a job is open, it holds the ids of the people; its receipt has their SHA-256 only.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sojourn.core.erasure import People
from sojourn.core.ports import StateStore

SPACE = "erasures"
_OPEN = "open"
_COUNT = "receipts"
_PAGE = 100


class Order(msgspec.Struct, frozen=True):
    """Whom to erase, and where."""

    users: Sequence[Mapping[str, Any]]
    """`{"userId": …, …}`; what else stands there is for the destinations."""
    source_ids: Sequence[str] = ()
    """Empty: all sources."""
    anonymous_ids: Sequence[str] = ()
    """Devices whose events without a user go in any case."""
    destinations: Sequence[str] | None = None
    """Names of those that are asked to delete; None: all."""
    by: str = ""

    @property
    def user_ids(self) -> list[str]:
        """The user ids."""
        return [str(user["userId"]) for user in self.users]


class Place(msgspec.Struct):
    """What became of one place that held something of the people."""

    kind: str
    """`log`, `tables`, `state`, `warehouse` or `destination`."""
    name: str
    deleted: dict[str, int] = {}
    """Counts by stream, table or space."""
    state: str = "waiting"
    """`waiting`, `done`, or `failed` with a `reason`."""
    reason: str = ""
    attempts: int = 0
    at: int = 0
    """When it was done or given up, milliseconds since the Unix epoch."""


class Job(msgspec.Struct):
    """An erasure under way."""

    id: str
    order: Order
    regulation: str
    """The id of the regulation that suppresses the people; empty where only devices are named."""
    created_at: int
    """Milliseconds since the Unix epoch."""
    places: list[Place]
    devices: list[tuple[str, str]] | None = None
    """Source and anonymous ids that are only theirs; None: not looked for yet."""
    sessions: list[str] = []
    """Keys of the sessions that go."""
    counted: bool = False
    """What goes was counted, and noted in `places`."""
    files_clean: bool = False
    """Nothing is left of what was deleted in the files of the data folder."""

    @property
    def people(self) -> People:
        """Whose events go."""
        return People(
            frozenset(self.order.user_ids),
            frozenset(self.order.source_ids),
            frozenset(self.devices or ()),
        )

    def place(self, kind: str, name: str) -> Place:
        """One of its places."""
        return next(one for one in self.places if (one.kind, one.name) == (kind, name))


class Receipt(msgspec.Struct, frozen=True):
    """What an erasure did, without anything that names the people."""

    id: str
    users: Sequence[str]
    """SHA-256 of the user ids, in hexadecimal."""
    source_ids: Sequence[str]
    by: str
    regulation: str
    requested_at: int
    """Milliseconds since the Unix epoch."""
    finished_at: int
    complete: bool
    """False: some place failed."""
    places: Sequence[Place]


class Jobs:
    """Open jobs and all receipts, durable. Raises `LogUnavailable`. Thread-safe."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._lock = threading.RLock()

    def save(self, job: Job) -> None:
        """Write a job as it is now."""
        with self._lock:
            names = self._names()
            values = {job.id: msgspec.json.encode(job)}
            if job.id not in names:
                values[_OPEN] = msgspec.json.encode([*names, job.id])
            self._state.put(SPACE, values, 0)

    def open(self) -> list[Job]:
        """The jobs that are not finished, in the order of creation."""
        with self._lock:
            names = self._names()
            found = self._state.get(SPACE, names)
            return [msgspec.json.decode(found[name], type=Job) for name in names]

    def finish(self, job: Job, receipt: Receipt) -> None:
        """Keep the receipt, and nothing else of the job."""
        with self._lock:
            count = self._count()
            page = f"receipts.{count // _PAGE}"
            stored = self._state.get(SPACE, [page])
            receipts = msgspec.json.decode(stored.get(page, b"[]"), type=list[Receipt])
            values = {
                page: msgspec.json.encode([*receipts, receipt]),
                _COUNT: msgspec.json.encode(count + 1),
                _OPEN: msgspec.json.encode([name for name in self._names() if name != job.id]),
                job.id: b"null",
            }
            self._state.put(SPACE, values, 0)
            self._state.delete(SPACE, [job.id])

    def receipts(self) -> list[Receipt]:
        """All receipts, the oldest first."""
        with self._lock:
            pages = [f"receipts.{page}" for page in range(-(-self._count() // _PAGE))]
            stored = self._state.get(SPACE, pages)
            return [
                receipt
                for page in pages
                for receipt in msgspec.json.decode(stored[page], type=list[Receipt])
            ]

    def _names(self) -> list[str]:
        stored = self._state.get(SPACE, [_OPEN]).get(_OPEN, b"[]")
        return msgspec.json.decode(stored, type=list[str])

    def _count(self) -> int:
        return msgspec.json.decode(self._state.get(SPACE, [_COUNT]).get(_COUNT, b"0"), type=int)
