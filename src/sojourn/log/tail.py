"""The newest entries of this process in memory, for readers that keep up.

Reading rows gives up the interpreter lock at each of them; beside a busy server a reader then
waits for it more than it reads. What was just written needs no reading at all.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from sojourn.core.ports import Stored

_STREAM_BYTES = 8 * 2**20
"""More than what comes while a reader that keeps up does its work once."""


@dataclass(frozen=True)
class Chunk:
    """What one transaction added to a partition."""

    first: int
    """The offset of the first value; the others follow without gaps."""
    appended_at: int
    values: tuple[bytes, ...]
    size: int

    @property
    def last(self) -> int:
        """The offset of the last value."""
        return self.first + len(self.values) - 1


@dataclass
class _PartitionTail:
    chunks: deque[Chunk] = field(default_factory=deque)
    size: int = 0


class Tail:
    """The last megabytes of each partition, gapless. Thread-safe.

    `partitions`: the number of partitions by stream, which share the memory for a stream.
    """

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self._partitions = partitions
        self._lock = threading.Lock()
        self._tails: dict[tuple[str, int], _PartitionTail] = {}

    def add(self, stream: str, partition: int, chunk: Chunk) -> None:
        """Add what was committed; another process's entries in between start it anew."""
        most = _STREAM_BYTES // self._partitions.get(stream, 1)
        with self._lock:
            tail = self._tails.setdefault((stream, partition), _PartitionTail())
            if tail.chunks and tail.chunks[-1].last + 1 != chunk.first:
                tail.chunks.clear()
                tail.size = 0
            tail.chunks.append(chunk)
            tail.size += chunk.size
            while tail.size > most:
                tail.size -= tail.chunks.popleft().size

    def forget(self, stream: str, partition: int, offset: int) -> None:
        """Entries up to `offset` are gone from the log."""
        with self._lock:
            tail = self._tails.get((stream, partition))
            while tail is not None and tail.chunks and tail.chunks[0].first <= offset:
                tail.size -= tail.chunks.popleft().size

    def clear(self, stream: str) -> None:
        """The stream's values were changed in the log."""
        with self._lock:
            for place in [place for place in self._tails if place[0] == stream]:
                del self._tails[place]

    def after(self, stream: str, partition: int, offset: int, max_bytes: int) -> list[Stored]:
        """The entries after `offset`, about `max_bytes` and at least one; none if not all are here.

        None does not mean that there are none in the log.
        """
        with self._lock:
            tail = self._tails.get((stream, partition))
            chunks = list(tail.chunks) if tail is not None else []
        if not chunks or not chunks[0].first <= offset + 1 <= chunks[-1].last:
            return []
        found: list[Stored] = []
        size = 0
        for chunk in chunks:
            skip = max(0, offset + 1 - chunk.first)
            for place, value in enumerate(chunk.values[skip:], chunk.first + skip):
                if found and size + len(value) > max_bytes:
                    return found
                found.append(Stored(partition, place, chunk.appended_at, value))
                size += len(value)
        return found
