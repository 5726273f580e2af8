"""All erasures of a platform: orders in, jobs done, receipts out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from sojourn.app.erasure.elsewhere import FarEnds, Patience, RemoteErasure
from sojourn.app.erasure.jobs import Job, Jobs, Order, Place, Receipt
from sojourn.app.erasure.local import LOG, STATE, TABLES, Folder, LocalErasure
from sojourn.core.erasure import People, fingerprint
from sojourn.core.errors import InvalidSettings, SojournError
from sojourn.core.events import clean_id
from sojourn.pipeline.patience import stopped_within
from sojourn.pipeline.suppressions import SUPPRESS_WITH_DELETE, Suppressions

_log = logging.getLogger(__name__)
_AGAIN_S = 30.0
_LOOK_S = 0.1
_SCANS = 3
"""How often the log is read: for devices, to count, to delete."""

Progress = dict[str, Any]
"""`job`, `step`, `done` (0 to 1); at last `receipt`."""


@dataclass
class _State:
    step: str = "waiting"
    bytes: int = 0
    failed: str = ""


class Erasures:
    """Takes orders, and does them in two parts.

    `prepare` works on the data folder, while nobody reads the log; `run` on far ends, beside
    everything else. `wanted` is set while there is something to prepare.
    """

    def __init__(
        self,
        folder: Folder,
        far_ends: FarEnds,
        suppressions: Suppressions,
        warehouses: Sequence[str],
        source_names: dict[str, str],
        log_file: Path,
        first_wait_s: float = 10.0,
    ) -> None:
        """`source_names`: ids of sources by name and by id."""
        self.wanted = asyncio.Event()
        self._folder = folder
        self._far_ends = far_ends
        self._suppressions = suppressions
        self._warehouses = warehouses
        self._source_names = source_names
        self._log_file = log_file
        self._first_wait_s = first_wait_s
        self._jobs = Jobs(folder.state)
        self._states: dict[str, _State] = {}
        self._work = asyncio.Event()
        if any(not job.files_clean for job in self._jobs.open()):
            self.wanted.set()

    def checked(self, order: Order) -> Order:
        """The order with its ids as events have them. Raises `InvalidSettings` in words."""
        users = [{**user, "userId": clean_id(user.get("userId"))} for user in order.users]
        if (not users and not order.anonymous_ids) or any(not user["userId"] for user in users):
            raise InvalidSettings("whom to forget? Give user ids that are not empty")
        sources = [self._source(name) for name in order.source_ids]
        destinations = order.destinations
        for name in destinations or ():
            if name not in self._folder.destinations:
                known = ", ".join(self._folder.destinations) or "none"
                raise InvalidSettings(f"there is no destination '{name}'; there are: {known}")
        anonymous_ids = [one for one in map(clean_id, order.anonymous_ids) if one]
        return msgspec.structs.replace(
            order, users=users, source_ids=sources, anonymous_ids=anonymous_ids
        )

    def order(self, order: Order) -> Job:
        """Suppress the people, and take on the erasure. Both are durable when this returns."""
        order = self.checked(order)
        wanted = self._folder.destinations if order.destinations is None else order.destinations
        regulation = ""
        if order.users:
            regulation = self._suppressions.add(
                SUPPRESS_WITH_DELETE, order.user_ids, order.source_ids, wanted, order.by
            ).id
        places = [Place(*LOG), Place(*TABLES), Place(*STATE)]
        places += [Place("warehouse", name) for name in self._warehouses]
        places += [Place("destination", name) for name in wanted] if order.users else []
        now = self._folder.clock.now_ms()
        job = Job(f"era_{secrets.token_hex(12)}", order, regulation, now, places)
        self._jobs.save(job)
        self._states[job.id] = _State()
        self.wanted.set()
        return job

    async def preview(self, order: Order) -> dict[str, Any]:
        """What an erasure would delete here, and whom it would ask; nothing is changed."""
        order = self.checked(order)
        people = People(frozenset(order.user_ids), frozenset(order.source_ids))
        local = LocalErasure(self._folder, self._jobs, lambda step: None, lambda size: None)
        devices = await local.devices(people, order.anonymous_ids)
        people = People(people.user_ids, people.sources, frozenset(devices))
        found, rows, _ = await local.look(people)
        wanted = self._folder.destinations if order.destinations is None else order.destinations
        return {
            "log": found.events,
            "tables": rows,
            "devices": len(devices),
            "warehouses": list(self._warehouses),
            "destinations": list(wanted) if order.users else [],
        }

    async def prepare(self, stop: asyncio.Event) -> None:
        """Do what open jobs have to do in the data folder. Nobody may be reading the log.

        What cannot be done now is left for later: `wanted` is set again then.
        """
        self.wanted.clear()
        for job in self._jobs.open():
            if job.files_clean:
                continue
            if stop.is_set():
                return
            state = self._states.setdefault(job.id, _State())
            local = LocalErasure(
                self._folder, self._jobs, partial(_set_step, state), partial(_advance, state)
            )
            try:
                await local.run(job)
            except SojournError as error:
                state.failed = str(error)
                _log.warning("erasure %s waits: %s", job.id, error)
                asyncio.get_running_loop().call_later(_AGAIN_S, self.wanted.set)
        self._work.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Do what prepared jobs have to do at far ends, until `stop` is set."""
        self._work.set()
        while not stop.is_set():
            if self._work.is_set():
                self._work.clear()
                await self.finish(stop)
            await stopped_within(stop, _LOOK_S)

    async def finish(self, stop: asyncio.Event, warehouse_attempts: int = 0) -> None:
        """Finish the prepared jobs; those whose warehouse is away stay open."""
        patience = Patience(self._first_wait_s, warehouse_attempts)
        for job in self._jobs.open():
            if not job.files_clean:
                continue
            state = self._states.setdefault(job.id, _State())
            remote = RemoteErasure(
                self._far_ends,
                self._jobs,
                self._folder.clock,
                partial(_set_step, state),
                patience,
            )
            if await remote.run(job, stop):
                await asyncio.to_thread(self._close, job)
            else:
                state.failed = "; ".join(p.reason for p in job.places if p.state == "waiting")

    async def watch(self, name: str) -> AsyncIterator[Progress]:
        """How far a job is, each time it moved; the last one has the receipt, or `waits`."""
        told: Progress = {}
        while True:
            receipt = self.receipt(name)
            if receipt is not None:
                yield {"job": name, "step": "done", "done": 1.0, "receipt": to_json(receipt)}
                return
            state = self._states.get(name, _State())
            total = max(1, self._log_file.stat().st_size * _SCANS) if self._log_file.exists() else 1
            now = {"job": name, "step": state.step, "done": round(min(1.0, state.bytes / total), 3)}
            if state.failed:
                yield {**now, "waits": state.failed}
                return
            if now != told:
                yield now
                told = now
            await asyncio.sleep(_LOOK_S)

    def receipt(self, name: str) -> Receipt | None:
        """The receipt of a job; None while it is open."""
        return next((one for one in self.receipts() if one.id == name), None)

    def receipts(self) -> list[Receipt]:
        """The receipts of all finished erasures, the oldest first."""
        return self._jobs.receipts()

    def open_jobs(self) -> list[dict[str, Any]]:
        """The erasures under way: `id`, `requested_at` (ms), `users`, `by`, `step`, `failed`."""
        shown = []
        for job in self._jobs.open():
            state = self._states.get(job.id, _State())
            shown.append(
                {
                    "id": job.id,
                    "requested_at": job.created_at,
                    "users": [fingerprint(user_id) for user_id in job.order.user_ids],
                    "by": job.order.by,
                    "step": state.step,
                    "failed": state.failed,
                }
            )
        return shown

    def _close(self, job: Job) -> None:
        receipt = Receipt(
            id=job.id,
            users=[fingerprint(user_id) for user_id in job.order.user_ids],
            source_ids=job.order.source_ids,
            by=job.order.by,
            regulation=job.regulation,
            requested_at=job.created_at,
            finished_at=self._folder.clock.now_ms(),
            complete=all(place.state == "done" for place in job.places),
            places=job.places,
        )
        self._jobs.finish(job, receipt)
        self._folder.state.scrub()
        self._states.pop(job.id, None)

    def _source(self, name: str) -> str:
        if name not in self._source_names:
            known = ", ".join(sorted(set(self._source_names.values())))
            raise InvalidSettings(f"there is no source '{name}'; there are: {known}")
        return self._source_names[name]


def to_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt as JSON values."""
    return dict(msgspec.to_builtins(receipt))


def _set_step(state: _State, step: str) -> None:
    state.step, state.failed = step, ""


def _advance(state: _State, size: int) -> None:
    state.bytes += size
