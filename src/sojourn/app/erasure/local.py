"""Erasing people from the data folder. Whoever calls it has the readers of the log stand still.

Each step may be done twice, and is noted in the job once it is done: an erasure that was cut
short, however it was, goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sojourn.app.erasure.embedded import Embedded
from sojourn.app.erasure.jobs import Job, Jobs
from sojourn.core.erasure import People
from sojourn.core.ports import Clock, Erasable, StateStore
from sojourn.log import SqliteStateStore
from sojourn.pipeline.delivery_ledger import Ledger
from sojourn.pipeline.erasing import Devices, Eraser, Found
from sojourn.pipeline.seen import forget_ids
from sojourn.pipeline.session_events import forget_sessions
from sojourn.warehouse.duckdb import DuckDBTables

LOG, TABLES, STATE = ("log", "log"), ("tables", "warehouse.duckdb"), ("state", "state")
Step = Callable[[str], None]
"""Hears what is being done now."""
Advance = Callable[[int], None]
"""Hears how many bytes of the log were looked at since it heard last."""


@dataclass
class Folder:
    """What holds people's data in the data folder."""

    log: Erasable
    state: SqliteStateStore
    tables: DuckDBTables
    embedded: Embedded
    destinations: Sequence[str]
    """Names; each may keep events aside for later delivery."""
    clock: Clock


class LocalErasure:
    """The steps of one job that concern the data folder."""

    def __init__(self, folder: Folder, jobs: Jobs, step: Step, advance: Advance) -> None:
        self._folder = folder
        self._jobs = jobs
        self._step = step
        self._advance = advance

    async def run(self, job: Job) -> None:
        """Do what is not done yet. Raises `Transient`; call it again then."""
        if job.devices is None:
            self._step("finding devices")
            job.devices = sorted(await self.devices(job.people, job.order.anonymous_ids))
            self._jobs.save(job)
        if job.place(*LOG).state != "done":
            await self._log(job)
        if job.place(*TABLES).state != "done":
            self._step("deleting from the tables")
            await asyncio.to_thread(self._folder.embedded.erase, job.people)
            self._done(job, *TABLES)
        if not job.files_clean:
            self._step("cleaning the files")
            await self._folder.log.scrub()
            await asyncio.to_thread(self._folder.tables.rewrite)
            job.files_clean = True
            self._jobs.save(job)

    async def devices(self, people: People, named: Sequence[str] = ()) -> set[tuple[str, str]]:
        """The devices that only these people used, by all that is stored.

        `named`: anonymous ids that count as theirs in any case.
        """
        stored = await asyncio.to_thread(self._folder.embedded.devices, people, ())
        seen = Devices(people, stored)
        await self._scan(seen.look)
        if seen.found:
            seen = Devices(people, stored | seen.found)
            await self._scan(seen.look)
        own = await asyncio.to_thread(self._folder.embedded.devices, people, seen.known)
        sources = set(people.sources) or await asyncio.to_thread(self._folder.embedded.source_ids)
        return (own - seen.shared) | {(source, device) for source in sources for device in named}

    async def look(self, people: People) -> tuple[Found, dict[str, int], list[str]]:
        """What would go: from the log, from the tables, and the keys of sessions."""
        eraser = Eraser(people)
        await self._scan(lambda value, stream: _counted(eraser, stream, value))
        emptied = await asyncio.to_thread(self._folder.embedded.look, people)
        return eraser.found, emptied.rows, emptied.sessions

    async def _log(self, job: Job) -> None:
        self._step("counting")
        found, rows, sessions = await self.look(job.people)
        if not job.counted:
            job.place(*LOG).deleted = dict(found.events)
            job.place(*TABLES).deleted = rows
            job.sessions = sessions
            job.counted = True
            self._jobs.save(job)
        self._step("deleting what is remembered of the events")
        await asyncio.to_thread(self._forget_state, job, found)
        self._step("deleting from the log")
        for stream in await self._folder.log.streams():
            change = partial(Eraser(job.people).change, stream)
            await self._folder.log.rewrite(stream, change, self._advance)
        self._done(job, *LOG)

    def _forget_state(self, job: Job, found: Found) -> None:
        state: StateStore = self._folder.state
        theirs = Eraser(job.people).theirs
        counts = {
            "message_ids": forget_ids(state, sorted(found.keys)),
            "kept_deliveries": sum(
                Ledger(name, state).erase(theirs) for name in self._folder.destinations
            ),
            "session_reports": forget_sessions(state, job.sessions),
        }
        place = job.place(*STATE)
        for name, count in counts.items():
            place.deleted[name] = max(count, place.deleted.get(name, 0))
        self._done(job, *STATE)

    async def _scan(self, look: Callable[[bytes, str], None]) -> None:
        for stream in await self._folder.log.streams():
            await self._folder.log.rewrite(stream, partial(_only, look, stream), self._advance)

    def _done(self, job: Job, kind: str, name: str) -> None:
        place = job.place(kind, name)
        place.state, place.at = "done", self._folder.clock.now_ms()
        self._jobs.save(job)


def _only(look: Callable[[bytes, str], None], stream: str, value: bytes) -> None:
    """Look, and change nothing."""
    look(value, stream)


def _counted(eraser: Eraser, stream: str, value: bytes) -> None:
    eraser.change(stream, value)
