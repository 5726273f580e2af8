"""What goes to a far end and what comes back: requests, responses, and who they are about."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sojourn.core.errors import InvalidEvent, InvalidSettings

_log = logging.getLogger(__name__)

JSON_TYPE = "application/json"

Refusal = InvalidEvent | InvalidSettings
"""Why no request was made: the event's fault or the settings' fault."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body before it is encoded. In a form, objects and arrays go as JSON text."""

    value: Any
    format: Literal["json", "form", "text"] = "json"
    gzip: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, not yet encoded."""

    method: str
    url: str
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    owners: Sequence[int] = ()
    """Where the body is an array: the job id behind each element."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a far end answered. `status` 504 also stands for no answer at all."""

    status: int
    body: Any = None
    """Parsed where it is JSON, else text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class Job:
    """One event on its way; `alone` asks for a request of its own."""

    id: int
    event: Mapping[str, Any]
    alone: bool = False
    person: str = ""
    """Whose event it is: jobs of one person keep their order."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Some jobs and the requests that deliver them, in order; or why there are none."""

    jobs: Sequence[int]
    requests: Sequence[Request] = ()
    error: Refusal | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What an answer means for one job: 200 done, 429 and 5xx later, anything else never."""

    id: int
    status: int
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means: one of `success`, `aborted`, `retryable`, `throttled`, `per_job`."""

    outcome: str
    status: int
    jobs: Sequence[JobStatus]


def attempt(make: Callable[[Job], list[Request]], job: Job) -> list[Request] | Refusal:
    """The job's requests, or why there are none. One event's fault is never another's."""
    try:
        return make(job)
    except (InvalidEvent, InvalidSettings) as error:
        return error
    except Exception as error:
        _log.exception("the mapping of an event failed")
        return InvalidEvent(f"the mapping failed: {type(error).__name__}: {error}")


def plain_verdict(response: Response, jobs: Sequence[Job]) -> Verdict:
    """The verdict that follows from the status alone, the same for every job.

    2xx done; 429 throttled; 408 and 5xx later; anything else never.
    """
    status = response.status
    if 200 <= status < 300:
        outcome, status, each = "success", status, 200
    elif status == 429:
        outcome, each = "throttled", 429
    elif status >= 500:
        outcome, each = "retryable", status
    elif status == 408:
        outcome, each = "retryable", 408
    else:
        outcome, each = "aborted", status
    return Verdict(outcome, status, [JobStatus(job.id, each, job.alone) for job in jobs])


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several calls for one purpose: later before never before done."""
    found = Verdict("success", 200, ())
    for verdict in verdicts:
        better = found.outcome == "success" or (
            found.outcome == "aborted" and verdict.outcome != "aborted"
        )
        if verdict.outcome != "success" and better:
            found = verdict
    return found


def shared_verdict(response: Response, jobs: Sequence[Job]) -> Verdict:
    """As `plain_verdict`, for far ends that refuse a call without saying which job is at fault.

    Of several jobs each is tried alone (500), and one that was alone already is given up (400).
    """
    verdict = plain_verdict(response, jobs)
    if verdict.outcome != "aborted" or len(jobs) < 2:
        return verdict
    each = [JobStatus(job.id, 400 if job.alone else 500, True) for job in jobs]
    return Verdict("per_job", response.status, each)
