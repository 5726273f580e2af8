"""The part of the queue that is on disk: all waiting events, and those that memory had no room for.

`own` is this process's file. Its unread lines are, in order: the oldest `filed` events of the
queue in memory, then, while `spilled`, events that are on disk alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sojourn.sdk import journal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class DiskQueue:
    """The files of one outbox. Guarded by the outbox's lock. Opening raises `OSError`."""

    def __init__(self, folder: Path, tag: str) -> None:
        self._own = journal.create(folder, tag)
        self._left = journal.adopt(folder, tag)
        self._source = self._own
        self._filed = 0
        self._unfiled = 0  # of the events under way
        self._gap = False  # the newest events in memory are in no file
        self.spilled = False
        """Events newer than those in memory are on disk alone."""
        self.adopted = sum(old.count() for old in self._left)
        """How many events dead processes had left."""

    @property
    def complete(self) -> bool:
        """Every event that waits or is under way is in a file."""
        return self._unfiled == 0 and not self._gap

    @property
    def pressing(self) -> bool:
        """There are events that wait on disk alone."""
        return self.spilled or bool(self._left)

    def file(self, event: bytes, in_memory: int) -> str:
        """Write an event that also goes to memory, behind `in_memory` others; "" or an error.

        After an error the next ones stay in memory alone, until none waits there: the file has
        to have them in order and without gaps.
        """
        self._gap = self._filed < in_memory
        if self._gap:
            return ""
        try:
            self._own.append(event)
        except OSError as error:
            self._gap = True
            return f"disk store: {error}"
        self._filed += 1
        return ""

    def spill(self, event: bytes, max_bytes: int) -> str:
        """Write an event that memory has no room for; "" or an error."""
        if self._own.size + len(event) > max_bytes:
            return "the disk store was full"
        try:
            self._own.append(event)
        except OSError as error:
            return f"disk store: {error}"
        self.spilled = True
        return ""

    def take_left(self, max_events: int, max_bytes: int) -> list[bytes]:
        """The next events that dead processes left."""
        while self._left:
            self._source = self._left[0]
            events = self._source.read(max_events, max_bytes)
            if events:
                return events
            self._source.settle()
            self._source.close()
            del self._left[0]
        self._source = self._own
        return []

    def taken(self, events: Sequence[bytes]) -> None:
        """These were taken from memory: pass over their lines."""
        filed = events[: self._filed]
        for event in filed:
            self._own.skip(len(event))
        self._filed -= len(filed)
        self._unfiled = len(events) - len(filed)

    def take_spilled(self, max_events: int, max_bytes: int) -> list[bytes]:
        """The next events that are on disk alone; memory has been emptied before."""
        events = self._own.read(max_events, max_bytes) if self.spilled else []
        self.spilled = self._own.unread > 0
        return events

    def settle(self) -> None:
        """What was taken last is done with."""
        self._source.settle()
        self._unfiled = 0

    def close(self, in_memory: int) -> int:
        """Close all files. Returns how many of the events under way and in memory are in none."""
        for file in (*self._left, self._own):
            file.close()
        return in_memory - self._filed + self._unfiled

    def release(self) -> None:
        """In a forked child: let go of the parent's files."""
        for file in (*self._left, self._own):
            file.release()
