"""A destination in memory, for tests of what calls destinations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sojourn.core.outcome import Delivered, Outcome
from sojourn.core.ports import Capabilities

__all__ = ["MemoryDestination"]

_SOME = Capabilities(max_events=50)


def _takes(event: Mapping[str, Any]) -> Outcome:
    return Delivered()


class MemoryDestination:
    """Keeps what it takes; `answer` says what becomes of each event."""

    def __init__(
        self,
        answer: Callable[[Mapping[str, Any]], Outcome] = _takes,
        capabilities: Capabilities = _SOME,
        integration_names: Sequence[str] = (),
    ) -> None:
        self.answer = answer
        self.capabilities = capabilities
        self.integration_names = integration_names
        self.calls: list[list[str]] = []
        """The message ids of each call."""
        self.got: list[str] = []
        """The message ids of what was taken."""
        self.seen: list[Mapping[str, Any]] = []
        """The events that were taken."""
        self.closed = False

    async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
        """Take the events that `answer` delivers."""
        self.calls.append([event["messageId"] for event in batch])
        await asyncio.sleep(0)
        outcomes = [self.answer(event) for event in batch]
        for event, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Delivered):
                self.got.append(event["messageId"])
                self.seen.append(event)
        return outcomes

    async def forget(self, users: Sequence[Mapping[str, Any]]) -> Outcome:
        """Nothing is kept by user."""
        return Delivered()

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
