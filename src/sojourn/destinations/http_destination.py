"""What every destination that is reached over HTTP has in common: plan, send, judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sojourn.core.errors import DestinationUnavailable
from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry
from sojourn.core.ports import Capabilities
from sojourn.destinations.http import HttpSender, retry_after
from sojourn.destinations.request import (
    Dispatch,
    Job,
    JobStatus,
    Request,
    Response,
    Verdict,
    attempt,
    plain_verdict,
)
from sojourn.destinations.values import text

_SHOWN = 500
_NO_DELETION = 501
"""The verdict of a destination that cannot delete users."""
"""Characters of an answer that go into a reason."""


class Sender(Protocol):
    """Sends one request; `HttpSender`, or a recording in tests."""

    async def send(self, request: Request) -> Response:
        """The answer; 504 stands for none."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


def wall_clock() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class HttpDestination:
    """A destination whose events become HTTP requests.

    A subclass says which requests an event becomes (`requests`), how events share requests
    (`arranged`), what an answer means (`judge`) and how users are deleted (`erase`).
    """

    capabilities = Capabilities()
    parallel = 1
    """How many requests of one batch are under way at once; never two about one person."""

    integration_names: Sequence[str] = ()
    """What an event's `integrations` may call this destination, in any case."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        now_ms: Callable[[], int] = wall_clock,
        gzip: bool = True,
        max_events: int | None = None,
        sender: Sender | None = None,
    ) -> None:
        self.config = config
        self.now_ms = now_ms
        self.gzip = gzip
        self.max_events = max_events or self.capabilities.max_events
        self.sender: Sender = sender or HttpSender()
        self.secrets: Sequence[str] = ()

    def requests(self, event: Mapping[str, Any]) -> list[Request]:
        """The requests of one event. Raises `InvalidEvent` or `InvalidSettings`."""
        raise NotImplementedError

    def plan(self, jobs: Sequence[Job]) -> list[Dispatch]:
        """The dispatches of some jobs."""
        return self.arranged(jobs, lambda job: self.requests(job.event))

    async def planned(self, jobs: Sequence[Job]) -> list[Dispatch]:
        """As `plan`, for destinations that must ask first. Raises `DestinationUnavailable`."""
        return self.plan(jobs)

    def arranged(self, jobs: Sequence[Job], make: Callable[[Job], list[Request]]) -> list[Dispatch]:
        """The dispatches of some jobs whose requests `make` makes: here, one for each job."""
        dispatches = []
        for job in jobs:
            made = attempt(make, job)
            if isinstance(made, list):
                dispatches.append(Dispatch((job.id,), made))
            else:
                dispatches.append(Dispatch((job.id,), error=made))
        return dispatches

    def prepared(self, request: Request, jobs: Sequence[Job]) -> Request:
        """The request as it is sent: here, unchanged."""
        return request

    def judge(self, request: Request, response: Response, jobs: Sequence[Job]) -> Verdict:
        """What an answer means for the jobs: here, what its status says."""
        return plain_verdict(response, jobs)

    async def erase(self, users: Sequence[Mapping[str, Any]]) -> Verdict:
        """Ask the far end to delete users: here, there is no way to."""
        return Verdict("aborted", _NO_DELETION, ())

    async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
        """Deliver decoded events; one outcome per event, in order.

        Once an event fails, later ones of the same person are not sent but held back.
        """
        if not batch:
            return []
        alone = len(batch) == 1
        jobs = [Job(i, event, alone, person(event) or f"#{i}") for i, event in enumerate(batch)]
        outcomes: list[Outcome] = [Delivered()] * len(batch)
        try:
            dispatches = await self.planned(jobs)
        except DestinationUnavailable as error:
            return [Retry(error.detail)] * len(batch)
        held: set[str] = set()
        if self.parallel == 1 or len(dispatches) == 1:
            for dispatch in dispatches:
                await self._dispatch(dispatch, jobs, outcomes, held)
        else:
            await self._side_by_side(dispatches, jobs, outcomes, held)
        return outcomes

    async def _side_by_side(
        self,
        dispatches: Sequence[Dispatch],
        jobs: Sequence[Job],
        outcomes: list[Outcome],
        held: set[str],
    ) -> None:
        """Send dispatches at the same time; each waits for earlier ones about its people."""
        gate = asyncio.Semaphore(self.parallel)
        last: dict[str, asyncio.Task[None]] = {}

        async def send(dispatch: Dispatch, earlier: set[asyncio.Task[None]]) -> None:
            if earlier:
                await asyncio.wait(earlier)
            async with gate:
                await self._dispatch(dispatch, jobs, outcomes, held)

        async with asyncio.TaskGroup() as group:
            for dispatch in dispatches:
                people = {jobs[job].person for job in dispatch.jobs}
                earlier = {last[one] for one in people if one in last}
                task = group.create_task(send(dispatch, earlier))
                last.update(dict.fromkeys(people, task))

    async def _dispatch(
        self,
        dispatch: Dispatch,
        jobs: Sequence[Job],
        outcomes: list[Outcome],
        held: set[str],
    ) -> None:
        if dispatch.error is not None:
            for number in dispatch.jobs:
                outcomes[number] = Rejected(str(dispatch.error))
            return
        concerned = [jobs[job] for job in dispatch.jobs]
        if held and any(job.person in held for job in concerned):
            for one in concerned:
                outcomes[one.id] = Retry("an earlier event of the same person has to go first")
                held.add(one.person)
            return
        for request in dispatch.requests:
            response = await self.sender.send(self.prepared(request, concerned))
            verdict = self.judge(request, response, concerned)
            why = self._reason(response)
            after = retry_after(response)
            for status in verdict.jobs:
                one = jobs[status.id]
                outcome = _outcome(status, why, after, one)
                if not isinstance(outcome, Delivered):
                    outcomes[status.id] = outcome
                if isinstance(outcome, Retry):
                    held.add(one.person)
            if verdict.outcome not in ("success", "per_job"):
                return

    def _reason(self, response: Response) -> str:
        body = response.body if isinstance(response.body, str) else repr(response.body)
        for secret in self.secrets:
            body = body.replace(secret, "***")
        return f"HTTP {response.status}: {body[:_SHOWN]}"

    async def forget(self, users: Sequence[Mapping[str, Any]]) -> Outcome:
        """Ask the far end to delete these users."""
        verdict = await self.erase(users)
        if verdict.outcome == "success":
            return Delivered()
        why = f"deletion answered with {verdict.status}"
        if verdict.status == _NO_DELETION:
            why = "it has no way to delete users; delete them there by other means"
        return Retry(why) if verdict.outcome in ("retryable", "throttled") else Rejected(why)

    async def close(self) -> None:
        """Release connections."""
        await self.sender.close()


def _outcome(status: JobStatus, why: str, after: float | None, job: Job) -> Outcome:
    if status.status == 200:
        return Delivered()
    if status.status in (408, 429) or status.status >= 500:
        return Retry(why, after, status.alone and not job.alone)
    return Rejected(why)


def person(event: Mapping[str, Any]) -> str:
    """Whose event it is: the anonymous id, which identified people keep, else the user id."""
    return text(event.get("anonymousId") or event.get("userId") or "")
