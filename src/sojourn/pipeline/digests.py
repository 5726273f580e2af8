"""A set of digests in memory that forgets the oldest: sorted arrays, 16 bytes a digest.

A digest that is added costs about as much whether there are thousands or many millions: arrays
of like size are merged, so there are few of them, and to look up is to search each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIZE = 16
"""Bytes of a digest."""
_Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Run:
    """Digests, sorted by their first half."""

    heads: _Numbers
    tails: _Numbers
    first: int
    """When the first of them expires, milliseconds since the epoch."""
    last: int

    @classmethod
    def of(cls, digests: bytes, expires_at: int) -> _Run:
        """Digests one after another."""
        halves = np.frombuffer(digests, "<u8").reshape(-1, 2)
        return cls._sorted(halves[:, 0], halves[:, 1], expires_at, expires_at)

    @classmethod
    def _sorted(cls, heads: _Numbers, tails: _Numbers, first: int, last: int) -> _Run:
        order = np.argsort(heads, kind="stable")
        return cls(heads[order], tails[order], first, last)

    def merged(self, other: _Run) -> _Run:
        """One run of both."""
        heads = np.concatenate((self.heads, other.heads))
        tails = np.concatenate((self.tails, other.tails))
        return self._sorted(heads, tails, min(self.first, other.first), max(self.last, other.last))

    def holds(self, heads: _Numbers, tails: _Numbers) -> npt.NDArray[np.bool_]:
        """Which of some digests, sorted by their first half, are among them."""
        places = np.searchsorted(self.heads, heads)
        np.minimum(places, len(self.heads) - 1, out=places)
        found: npt.NDArray[np.bool_]
        found = (self.heads[places] == heads) & (self.tails[places] == tails)
        return found


class Digests:
    """Digests with an expiry each; one is gone at most `slack_ms` after it has expired."""

    def __init__(self, slack_ms: int) -> None:
        self._slack_ms = slack_ms
        self._runs: list[_Run] = []

    def add(self, digests: bytes, expires_at: int) -> None:
        """Add digests, one after another, until `expires_at` (ms since the epoch)."""
        if not digests:
            return
        run = _Run.of(digests, expires_at)
        while self._runs and self._mergeable(self._runs[-1], run):
            run = self._runs.pop().merged(run)
        self._runs.append(run)

    def known(self, digests: Sequence[bytes], now: int) -> set[bytes]:
        """Those of `digests` that are there at `now` (ms since the epoch)."""
        self._runs = [run for run in self._runs if run.last > now]
        if not digests or not self._runs:
            return set()
        asked = _Run.of(b"".join(digests), now)
        found = np.zeros(len(digests), np.bool_)
        for run in self._runs:
            found |= run.holds(asked.heads, asked.tails)
        heads, tails = asked.heads[found], asked.tails[found]
        flat = np.column_stack((heads, tails)).astype("<u8", copy=False).tobytes()
        return {flat[at : at + SIZE] for at in range(0, len(flat), SIZE)}

    def _mergeable(self, older: _Run, newer: _Run) -> bool:
        return (
            len(older.heads) <= 2 * len(newer.heads)
            and max(older.last, newer.last) - min(older.first, newer.first) <= self._slack_ms
        )
