"""How Mixpanel's jobs share requests, and what an answer means for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sojourn.destinations.request import (
    Body,
    Dispatch,
    Job,
    JobStatus,
    Request,
    Response,
    Verdict,
    attempt,
    plain_verdict,
)
from sojourn.destinations.values import child

MOST = {"engage": 2000, "groups": 200, "import": 2000}
"""Most payloads of one request, by endpoint; the order is that of the requests of a delivery."""


def endpoint(request: Request) -> str:
    """The endpoint that a request is for: a key of `MOST`."""
    return next((name for name in MOST if f"/{name}" in request.url), "import")


def by_type(job: Job) -> Any:
    """The type of a job's event: runs as RudderStack's router makes them."""
    return job.event.get("type")


def by_endpoint(job: Job) -> Any:
    """The same for all that go to `/import/`: fewer runs, in the same order for everyone."""
    kind = job.event.get("type")
    return "import" if kind in ("track", "page", "screen", "alias") else kind


def runs(jobs: Sequence[Job], kind_of: Callable[[Job], Any]) -> Iterator[list[Job]]:
    """The jobs in runs of one kind, so that no person's jobs change their order.

    A run takes all jobs of its first job's kind, except those of people who have an earlier
    job that stays behind.
    """
    left = list(jobs)
    while left:
        kind = kind_of(left[0])
        run: list[Job] = []
        behind: list[Job] = []
        held: set[str] = set()
        for job in left:
            if job.person not in held and kind_of(job) == kind:
                run.append(job)
            else:
                behind.append(job)
                held.add(job.person)
        yield run
        left = behind


def dispatches(
    jobs: Sequence[Job], make: Callable[[Job], list[Request]], gzip: bool
) -> list[Dispatch]:
    """The dispatches of one run: requests by endpoint, joined where they share a job."""
    refused: list[Dispatch] = []
    parts: dict[str, list[tuple[int, Request]]] = {name: [] for name in MOST}
    for job in jobs:
        requests = attempt(make, job)
        if not isinstance(requests, list):
            refused.append(Dispatch((job.id,), error=requests))
            continue
        for request in requests:
            parts[endpoint(request)].append((job.id, request))
    made = [
        _merged(part[start : start + MOST[name]], gzip and name == "import")
        for name, part in parts.items()
        for start in range(0, len(part), MOST[name])
    ]
    return refused + _linked(made)


def _merged(part: Sequence[tuple[int, Request]], gzip: bool) -> Request:
    first = part[0][1]
    payloads: list[Any] = []
    owners: list[int] = []
    for job, request in part:
        values = request.body.value if request.body else []
        payloads += values
        owners += [job] * len(values)
    body = Body(payloads, gzip=gzip)
    return Request(first.method, first.url, body, first.headers, first.query, owners)


def _linked(requests: Sequence[Request]) -> list[Dispatch]:
    """One dispatch for all requests that hang together by the jobs they share."""
    groups: list[tuple[dict[int, None], list[Request]]] = []
    for request in requests:
        jobs = dict.fromkeys(request.owners)
        mine = [group for group in groups if not group[0].keys().isdisjoint(jobs)]
        if not mine:
            groups.append((jobs, [request]))
            continue
        first, *others = mine
        for other in others:
            first[0].update(other[0])
            first[1].extend(other[1])
            groups.remove(other)
        first[0].update(jobs)
        first[1].append(request)
    return [Dispatch(list(jobs), made) for jobs, made in groups]


def judge(request: Request, response: Response, jobs: Sequence[Job]) -> Verdict:
    """What Mixpanel's answer means.

    An import that is refused names the events at fault: their jobs are given up, the others
    are done. Profiles answer 200 with an `error`: all jobs are given up.
    """
    status, body = response.status, response.body
    if endpoint(request) == "import":
        records = child(body, "failed_records")
        if status == 400 and isinstance(records, list) and records:
            failed = _failed(request, records)
            each = [JobStatus(job.id, 400 if job.id in failed else 200, job.alone) for job in jobs]
            return Verdict("per_job", 200, each)
    elif 200 <= status < 300 and child(body, "error"):
        return Verdict("per_job", 200, [JobStatus(job.id, 400, job.alone) for job in jobs])
    return plain_verdict(response, jobs)


def _failed(request: Request, records: Sequence[Any]) -> set[int]:
    """The jobs whose payloads are among the failed records, by insert id, else by index."""
    payloads: Sequence[Any] = request.body.value if request.body else ()
    by_id: Mapping[Any, int] = {
        child(child(payload, "properties"), "$insert_id"): job
        for payload, job in zip(payloads, request.owners, strict=False)
    }
    failed: set[int] = set()
    for record in records:
        name, index = child(record, "$insert_id"), child(record, "index")
        if name in by_id and name is not None:
            failed.add(by_id[name])
        elif isinstance(index, int) and 0 <= index < len(request.owners):
            failed.add(request.owners[index])
    return failed
