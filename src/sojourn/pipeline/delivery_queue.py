"""Events that wait for delivery, in lanes: one person's events in order, one call at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sojourn.core.ports import Capabilities

Place = tuple[str, int]
"""A stream and a partition of it."""


@dataclass(slots=True, eq=False)
class Item:
    """One event on its way to a destination."""

    place: Place
    offset: int
    index: int
    """Its number within the log entry."""
    source_id: str
    received_at: int
    """Milliseconds since the Unix epoch."""
    event: bytes
    lane: str = ""
    tries: int = 0
    """Failed attempts."""
    first_failure: int = 0
    """When the first attempt failed, ms since the epoch."""
    alone: bool = False
    parked: int | None = None
    """The page that keeps it, once it is kept aside."""

    @property
    def name(self) -> str:
        """Its name in the state store."""
        return f"{self.place[0]}.{self.place[1]}.{self.offset}.{self.index}"


@dataclass(slots=True, eq=False)
class Lane:
    """The events of one person, oldest first."""

    key: str
    items: deque[Item] = field(default_factory=deque)
    flying: int = 0
    """How many events at the front are in a call."""
    waiting: bool = False
    """It is held back until the wait after a failure is over."""
    queued: bool = False


class Queue:
    """All lanes of one destination. Does no waiting itself: the caller has the clock."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._waiting: dict[str, Lane] = {}
        self._serial = 0
        self.events = 0
        """Events in memory that are not kept aside."""
        self.bytes = 0
        self.parked = 0

    @property
    def size(self) -> int:
        """All events, those kept aside included."""
        return self.events + self.parked

    def add(self, item: Item) -> None:
        """Append an event to its person's lane."""
        if not self._capabilities.ordered:
            self._serial += 1
            item.lane = f"{self._serial}"
        lane = self._lanes.get(item.lane)
        if lane is None:
            lane = self._lanes[item.lane] = Lane(item.lane)
        lane.items.append(item)
        if item.parked is None:
            self.events += 1
            self.bytes += len(item.event)
        else:
            self.parked += 1
        self._queue(lane)

    def _queue(self, lane: Lane) -> None:
        if not (lane.flying or lane.waiting or lane.queued):
            lane.queued = True
            self._ready.append(lane)

    @property
    def ready(self) -> bool:
        """Whether `take` has something to give."""
        return bool(self._ready)

    def take(self, at_most: int | None = None) -> list[Item]:
        """The events of the next call: as many as the destination takes, lanes in turn."""
        most, room = self._capabilities.max_events, self._capabilities.max_bytes
        most = most if at_most is None else min(most, at_most)
        taken: list[Item] = []
        while self._ready and len(taken) < most:
            lane = self._ready[0]
            if lane.items[0].alone and taken:
                break
            for item in lane.items:
                if len(taken) >= most or (taken and len(item.event) > room):
                    break
                if item.alone and lane.flying:
                    break
                taken.append(item)
                room -= len(item.event)
                lane.flying += 1
                if item.alone:
                    break
            if not lane.flying:
                break
            self._ready.popleft()
            lane.queued = False
            if taken[-1].alone:
                break
        return taken

    def settle(self, done: Iterable[Item], lanes: Iterable[str], delayed: frozenset[str]) -> None:
        """A call is over: `done` leave, the rest stays in front; `delayed` lanes are held back."""
        finished = set(done)
        for key in lanes:
            lane = self._lanes[key]
            front = [lane.items.popleft() for _ in range(lane.flying)]
            lane.flying = 0
            lane.items.extendleft(item for item in reversed(front) if item not in finished)
            lane.waiting = key in delayed
            if lane.waiting:
                self._waiting[key] = lane
            if lane.items:
                self._queue(lane)
            else:
                del self._lanes[key]
        for item in finished:
            self._left(item)

    def _left(self, item: Item) -> None:
        if item.parked is None:
            self.events -= 1
            self.bytes -= len(item.event)
        else:
            self.parked -= 1

    def release(self, key: str) -> None:
        """The wait of a lane is over."""
        lane = self._waiting.pop(key, None)
        if lane is not None:
            lane.waiting = False
            self._queue(lane)

    def held(self, most: int) -> list[Item]:
        """Up to `most` events of lanes that are held back and not kept aside yet."""
        found: list[Item] = []
        for lane in self._waiting.values():
            for item in lane.items:
                if item.parked is None:
                    if len(found) >= most:
                        return found
                    found.append(item)
        return found

    def park(self, items: Sequence[Item], page: int) -> None:
        """Count events as kept aside in `page`."""
        for item in items:
            self._left(item)
            item.parked = page
            self.parked += 1
