"""What a delivery must not forget: how far it read, what is kept aside, what failed how often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from sojourn.core.ports import StateStore
from sojourn.pipeline.delivery_queue import Item, Place

_STATE = "state"


class _State(msgspec.Struct):
    """What is stored beside the pages."""

    attempts: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    """Failed attempts and time of the first failure (ms), by name of the event."""
    pages: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Names of the events that are kept aside, by page."""
    next_page: int = 0


class _Kept(msgspec.Struct):
    """One event in a page."""

    place: tuple[str, int]
    offset: int
    index: int
    source_id: str
    received_at: int
    lane: str
    event: bytes


class Ledger:
    """Positions by counting open events, attempts and pages in the state store.

    An entry of the log is done with when all its events are finished or kept aside; the
    position is the last entry before the first that is not.
    """

    def __init__(self, name: str, store: StateStore) -> None:
        self._space = f"delivery.{name}"
        self._store = store
        self._open: dict[Place, OrderedDict[int, int]] = {}
        self._committed: dict[Place, int] = {}
        self._state = _State()
        self._new_pages: dict[str, bytes] = {}
        self._old_pages: list[str] = []
        self._dirty = False
        self._kept: set[str] = set()

    def load(self) -> list[Item]:
        """Read what is stored; returns the events that are kept aside, in order."""
        found = self._store.get(self._space, [_STATE])
        if _STATE not in found:
            return []
        self._state = msgspec.json.decode(found[_STATE], type=_State)
        pages = self._store.get(self._space, [f"page.{number}" for number in self._state.pages])
        items: list[Item] = []
        for number, names in self._state.pages.items():
            wanted = set(names)
            raw = pages.get(f"page.{number}", b"[]")
            for kept in msgspec.msgpack.decode(raw, type=list[_Kept]) if raw != b"[]" else ():
                item = Item(
                    kept.place,
                    kept.offset,
                    kept.index,
                    kept.source_id,
                    kept.received_at,
                    kept.event,
                    kept.lane,
                    parked=int(number),
                )
                if item.name in wanted:
                    self.remember(item)
                    items.append(item)
                    self._kept.add(item.name)
        return sorted(items, key=lambda item: (item.place, item.offset, item.index))

    def remember(self, item: Item) -> None:
        """Give an event the attempts that are stored for it."""
        if not self._state.attempts:
            return
        found = self._state.attempts.get(item.name)
        if found is not None:
            item.tries, item.first_failure = found

    def is_kept(self, item: Item) -> bool:
        """Whether an event that the log gives once more is kept aside already."""
        return bool(self._kept) and item.name in self._kept

    def opened(self, place: Place, offset: int, count: int) -> None:
        """An entry was read that has `count` events to deliver."""
        self._open.setdefault(place, OrderedDict())[offset] = count

    def attempted(self, item: Item) -> None:
        """An attempt failed."""
        self._state.attempts[item.name] = (item.tries, item.first_failure)
        self._dirty = True

    def finished(self, item: Item) -> None:
        """An event is delivered, or among the dead letters."""
        if item.tries:
            self._state.attempts.pop(item.name, None)
            self._dirty = True
        if item.parked is None:
            self._open[item.place][item.offset] -= 1
            return
        number = str(item.parked)
        names = self._state.pages[number]
        names.remove(item.name)
        self._kept.discard(item.name)
        if not names:
            del self._state.pages[number]
            if self._new_pages.pop(f"page.{number}", None) is None:
                self._old_pages.append(f"page.{number}")
        self._dirty = True

    def park(self, items: Sequence[Item]) -> int:
        """Keep events aside in a new page, so that the position may pass them."""
        number = self._state.next_page
        self._state.next_page += 1
        self._state.pages[str(number)] = [item.name for item in items]
        self._new_pages[f"page.{number}"] = msgspec.msgpack.encode([_kept(i) for i in items])
        for item in items:
            self._open[item.place][item.offset] -= 1
            self._kept.add(item.name)
        self._dirty = True
        return number

    def erase(self, theirs: Callable[[str, bytes], bool]) -> int:
        """Let go of kept events for which `theirs(source_id, event)` is true; how many.

        For a ledger that no delivery uses. Raises `LogUnavailable`; calling it again is safe.
        """
        pages: dict[int, list[Item]] = {}
        gone = 0
        for item in self.load():
            assert item.parked is not None, "only kept events are loaded"
            stay = pages.setdefault(item.parked, [])
            if theirs(item.source_id, item.event):
                gone += 1
                self._state.attempts.pop(item.name, None)
            else:
                stay.append(item)
        if not gone:
            return 0
        self._state.pages = {str(page): [i.name for i in items] for page, items in pages.items()}
        for page, items in pages.items():
            self._new_pages[f"page.{page}"] = msgspec.msgpack.encode([_kept(i) for i in items])
        self._dirty = True
        self.flush()
        return gone

    def flush(self) -> Mapping[str, Mapping[int, int]]:
        """Write what changed; returns the positions to commit then, by stream and partition.

        Raises `LogUnavailable`; calling it again is safe.
        """
        if self._dirty:
            values: dict[str, Any] = dict(self._new_pages)
            values[_STATE] = msgspec.json.encode(self._state)
            self._store.put(self._space, values, 0)
            self._new_pages.clear()
            self._dirty = False
        if self._old_pages:
            self._store.delete(self._space, self._old_pages)
            self._old_pages = []
        positions: dict[str, dict[int, int]] = {}
        for place, entries in self._open.items():
            while entries and not next(iter(entries.values())):
                self._committed[place] = entries.popitem(last=False)[0]
        for (stream, partition), offset in self._committed.items():
            positions.setdefault(stream, {})[partition] = offset
        return positions

    def committed(self) -> None:
        """The positions of the last `flush` are committed."""
        self._committed.clear()

    @property
    def changed(self) -> bool:
        """Whether `flush` has something to write or to commit."""
        return self._dirty or any(
            entries and not next(iter(entries.values())) for entries in self._open.values()
        )


def _kept(item: Item) -> _Kept:
    return _Kept(
        item.place,
        item.offset,
        item.index,
        item.source_id,
        item.received_at,
        item.lane,
        item.event,
    )
