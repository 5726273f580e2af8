"""The dead letters: what could not be processed or delivered, to be seen and sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec

from sojourn.core.envelope import DeadLetter, pack_events, unpack_dead
from sojourn.core.erasure import is_erased
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import DEAD, Batch, Entry, EventLog, StateStore
from sojourn.pipeline.delivery_filter import decode_head, person
from sojourn.pipeline.delivery_reading import private_stream

_SPACE = "dead.replayed"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter with its place in the log; `id` is `<partition>-<offset>`."""

    id: str
    dead_at: int
    """When it was given up, ms since the epoch."""
    letter: DeadLetter
    replayed: bool
    """It was sent again since."""


class DeadLetters:
    """Lists and replays dead letters. The letters themselves are never changed.

    `destinations` are the names of those that can be replayed to.
    """

    def __init__(self, log: EventLog, state: StateStore, destinations: Sequence[str]) -> None:
        self._log = log
        self._state = state
        self._destinations = frozenset(destinations)

    async def list(
        self, stage: str | None = None, replayed: bool | None = None
    ) -> AsyncIterator[Letter]:
        """All letters, oldest first; of one stage, or by whether they were replayed, only."""
        async for letter in self._all():
            if stage is not None and letter.letter.stage != stage:
                continue
            if replayed is not None and letter.replayed != replayed:
                continue
            yield letter

    async def _all(self) -> AsyncIterator[Letter]:
        reader = self._log.reader(DEAD, "")
        while entries := await reader.read(_READ_BYTES, 0):
            names = [f"{entry.partition}-{entry.offset}" for entry in entries]
            replayed = self._state.get(_SPACE, names)
            for name, entry in zip(names, entries, strict=True):
                if is_erased(entry.value):
                    continue
                yield Letter(name, entry.appended_at, unpack_dead(entry.value), name in replayed)

    async def show(self, name: str) -> Letter:
        """One letter. Raises `InvalidSettings` where there is none."""
        async for letter in self._all():
            if letter.id == name:
                return letter
        raise InvalidSettings(f"there is no dead letter {name}; `dead-letters list` shows them")

    async def replay(self, letters: Sequence[Letter]) -> int:
        """Send letters to their destinations once more, in order; returns how many.

        They go to their own destination only. Raises `InvalidSettings` for a letter whose stage
        is no destination that there is.
        """
        for letter in letters:
            if letter.letter.stage not in self._destinations:
                known = ", ".join(sorted(self._destinations)) or "none"
                raise InvalidSettings(
                    f"letter {letter.id} is of the stage {letter.letter.stage}, which takes no "
                    f"replays; destinations: {known}"
                )
        for letter in letters:
            dead = letter.letter
            batch = Batch(dead.source_id, dead.received_at, [dead.event])
            key = _key(dead)
            await self._log.append(private_stream(dead.stage), [Entry(key, pack_events(batch))])
            self._state.put(_SPACE, {letter.id: b"1"}, 0)
        return len(letters)


def _key(dead: DeadLetter) -> str:
    """Whose event it is, so that a person's letters keep their order."""
    try:
        return person(dead.source_id, decode_head(dead.event))
    except msgspec.DecodeError:
        return dead.source_id
