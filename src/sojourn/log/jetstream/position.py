"""How far a reader of a JetStream log is, by partition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sojourn.log.jetstream.wire import blocks, offset_of


@dataclass(frozen=True)
class Position:
    """Everything up to `floor` is done; partitions that are elsewhere stand in `others`.

    All partitions share one stream. A partition in which nothing happens moves on with the
    floor, so it neither makes a reader start from far back nor holds up retention.
    """

    floor: int
    others: Mapping[int, int] = field(default_factory=dict)

    def of(self, partition: int) -> int:
        """The offset of the last entry of `partition` that is done with."""
        return self.others.get(partition, self.floor)

    @property
    def lowest(self) -> int:
        """Up to here every partition is done."""
        return min(self.floor, *self.others.values(), self.floor)

    def advanced(
        self, positions: Mapping[int, int], returned: Mapping[int, int], frontier: int
    ) -> Position:
        """After a commit of `positions`, by a reader that has handed out everything up to
        `frontier`, of each partition up to `returned`.
        """
        done = dict(self.others)
        for partition, offset in positions.items():
            done[partition] = max(self.of(partition), offset)
        floor = max(self.floor, frontier)
        others: dict[int, int] = {}
        for partition in done.keys() | returned.keys():
            at = done.get(partition, self.floor)
            if at < returned.get(partition, 0) or at > floor:
                others[partition] = at
        return Position(floor, others)

    def left_in(self, header: str, sequence: int) -> int:
        """How many entries of the message with this header are not done with."""
        left = 0
        for partition, first, count in blocks(header):
            done = self.of(partition) - offset_of(sequence, first) + 1
            left += count - max(0, min(count, done))
        return left

    def pack(self) -> bytes:
        """As stored in the bucket."""
        return json.dumps({"floor": self.floor, "others": dict(self.others)}).encode()

    @classmethod
    def unpack(cls, value: bytes) -> Position:
        """The inverse of `pack`."""
        stored = json.loads(value)
        return cls(stored["floor"], {int(p): at for p, at in stored["others"].items()})
