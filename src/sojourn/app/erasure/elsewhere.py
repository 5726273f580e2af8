"""Erasing people from other warehouses and at destinations, while everything runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sojourn.app.erasure.jobs import Job, Jobs, Place
from sojourn.core.erasure import People
from sojourn.core.errors import SojournError, Transient
from sojourn.core.outcome import Delivered, Outcome, Retry
from sojourn.core.ports import Clock
from sojourn.pipeline.patience import stopped_within

_log = logging.getLogger(__name__)
ATTEMPTS = 4
"""After so many a destination counts as failed (RudderStack's deletion worker does the same)."""
LONGEST_WAIT_S = 300.0


class FarEnds(Protocol):
    """The configured warehouses and destinations."""

    async def erase(self, warehouse: str, people: People) -> Mapping[str, int]:
        """Delete people from a warehouse: rows by table. Raises `SojournError`."""
        ...

    async def forget(self, destination: str, users: list[Mapping[str, Any]]) -> Outcome:
        """Ask a destination to delete users."""
        ...


@dataclass(frozen=True)
class Patience:
    """How failures are borne."""

    first_wait_s: float = 10.0
    warehouse_attempts: int = 0
    """0: as many as it takes."""


class RemoteErasure:
    """The steps of one job that concern far ends."""

    def __init__(
        self,
        far_ends: FarEnds,
        jobs: Jobs,
        clock: Clock,
        step: Callable[[str], None],
        patience: Patience,
    ) -> None:
        self._far_ends = far_ends
        self._jobs = jobs
        self._clock = clock
        self._step = step
        self._patience = patience

    async def run(self, job: Job, stop: asyncio.Event) -> bool:
        """Do what is not done yet; whether all of it is done or given up. Ends at `stop`."""
        waiting = [place for place in job.places if place.state == "waiting"]
        done = await asyncio.gather(*(self._finish(job, place, stop) for place in waiting))
        return all(done)

    async def _finish(self, job: Job, place: Place, stop: asyncio.Event) -> bool:
        work = self._warehouse if place.kind == "warehouse" else self._destination
        while not stop.is_set():
            self._step(f"deleting from {place.kind} {place.name}")
            wait = await self._attempt(job, place, work)
            if place.state != "waiting":
                return True
            if self._given_up(place) or await stopped_within(stop, wait):
                return False
        return False

    def _given_up(self, place: Place) -> bool:
        """For this time: the job stays open."""
        most = self._patience.warehouse_attempts
        return place.kind == "warehouse" and 0 < most <= place.attempts

    async def _attempt(
        self, job: Job, place: Place, work: Callable[[Job, Place], Awaitable[float | None]]
    ) -> float:
        """One attempt, noted in the job; how long to wait for the next one, seconds."""
        try:
            wait = await work(job, place)
        except SojournError as error:
            wait = None
            place.reason = str(error)
            if not isinstance(error, Transient):
                place.state = "failed"
        if place.state != "done":
            place.attempts += 1
            _log.warning("erasure %s: %s %s: %s", job.id, place.kind, place.name, place.reason)
            self._step(f"{place.kind} {place.name} waits: {place.reason}")
        if place.kind == "destination" and place.attempts >= ATTEMPTS:
            place.state = "failed"
        place.at = self._clock.now_ms()
        self._jobs.save(job)
        backoff = self._patience.first_wait_s * 2 ** max(0, place.attempts - 1)
        return min(wait if wait is not None else backoff, LONGEST_WAIT_S)

    async def _warehouse(self, job: Job, place: Place) -> float | None:
        deleted = await self._far_ends.erase(place.name, job.people)
        for table, count in deleted.items():
            place.deleted[table] = max(count, place.deleted.get(table, 0))
        place.state, place.reason = "done", ""
        return None

    async def _destination(self, job: Job, place: Place) -> float | None:
        outcome = await self._far_ends.forget(place.name, list(job.order.users))
        if isinstance(outcome, Delivered):
            place.deleted = {"users": len(job.order.users)}
            place.state, place.reason = "done", ""
            return None
        place.reason = outcome.why
        if isinstance(outcome, Retry):
            return outcome.after
        place.state = "failed"
        return None
