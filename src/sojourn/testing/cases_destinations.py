"""Run one conformance case against a destination: see `sojourn.testing.cases`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.http import NO_ANSWER
from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.request import Body, Dispatch, Job, Request, Response
from sojourn.destinations.values import epoch_ms
from sojourn.destinations.webhook import Webhook
from sojourn.testing.compare import UnknownCase

_DESTINATIONS: Mapping[str, Any] = {
    "amplitude": Amplitude,
    "mixpanel": Mixpanel,
    "webhook": Webhook,
}


def run(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of our destination to `case`, in the form of the case's `expected`.

    Raises `UnknownCase` for a destination or stage that is not one of ours.
    """
    if case["destination"] not in _DESTINATIONS:
        raise UnknownCase(f"there is no destination `{case['destination']}`")
    stage = {
        "processor": _processor,
        "router": _router,
        "batch": _batch,
        "delivery": _delivery,
        "delete": _delete,
    }.get(case["stage"])
    if stage is None:
        raise UnknownCase(f"destinations have no stage `{case['stage']}`")
    return stage(case)


def _built(case: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> Any:
    config = case["destination_config"] if config is None else config
    now = epoch_ms(case["now"]) or 0
    options = case.get("options") or {}
    return _DESTINATIONS[case["destination"]](
        config,
        now_ms=lambda: now,
        gzip=bool(options.get("gzip")),
        max_events=options.get("max_events_per_batch"),
    )


def _processor(case: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return {"requests": [_shown(one) for one in _built(case).requests(case["input"])]}
    except (InvalidEvent, InvalidSettings) as error:
        return {"error": _fault(error)}


def _router(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """Jobs may have settings of their own; they still share requests with the others."""
    jobs, makers = [], {}
    for job in case["input"]["jobs"]:
        alone = bool(job.get("dont_batch"))
        jobs.append(Job(job["job_id"], job["event"], alone, str(job.get("user_key", ""))))
        makers[job["job_id"]] = _built(case, job.get("destination_config"))
    made = _built(case).arranged(jobs, lambda job: makers[job.id].requests(job.event))
    return {"deliveries": [_dispatched(one) for one in made]}


def _batch(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return _per_config(
        case,
        lambda destination, jobs: destination.joined(
            [(job["job_id"], _read(job["request"])) for job in jobs]
        ),
    )


def _per_config(case: Mapping[str, Any], work: Any) -> Mapping[str, Any]:
    """Jobs with settings of their own are another destination's."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    configs: dict[str, Mapping[str, Any]] = {}
    for job in case["input"]["jobs"]:
        config = job.get("destination_config", case["destination_config"])
        groups.setdefault(repr(config), []).append(job)
        configs[repr(config)] = config
    deliveries: list[Dispatch] = []
    for key, jobs in groups.items():
        deliveries += work(_built(case, configs[key]), jobs)
    return {"deliveries": [_dispatched(one) for one in deliveries]}


def _delivery(case: Mapping[str, Any]) -> Mapping[str, Any]:
    jobs = [Job(job["job_id"], {}, bool(job.get("dont_batch"))) for job in case["input"]["jobs"]]
    request = _read(case["input"]["request"], [job.id for job in jobs])
    answer = next(iter(_answers(case)), Response(NO_ANSWER))
    verdict = _built(case).judge(request, answer, jobs)
    return {
        "outcome": verdict.outcome,
        "status": verdict.status,
        "jobs": [
            {"job_id": one.id, "status": one.status, "dont_batch": one.alone}
            for one in verdict.jobs
        ],
    }


class _Recorded:
    """Answers from the case instead of a network; keeps the requests."""

    def __init__(self, answers: Sequence[Response]) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.answers.pop(0) if self.answers else Response(200)

    async def close(self) -> None:
        """Nothing to release."""


def _delete(case: Mapping[str, Any]) -> Mapping[str, Any]:
    destination = _built(case)
    destination.sender = sender = _Recorded(_answers(case))
    verdict = asyncio.run(destination.erase(case["input"]["users"]))
    answer: dict[str, Any] = {"requests": [_shown(one) for one in sender.sent]}
    if verdict.outcome == "success":
        answer["result"] = {"status": verdict.status}
    else:
        answer["error"] = {"status": verdict.status}
    return answer


def _answers(case: Mapping[str, Any]) -> list[Response]:
    """What the far end answers; an entry without a response or status stands for none."""
    answers = [one.get("response") or {} for one in case.get("network") or ()]
    return [Response(one.get("status", NO_ANSWER), one.get("body")) for one in answers]


def _read(request: Mapping[str, Any], owners: Sequence[int] = ()) -> Request:
    body = request.get("body")
    return Request(
        request["method"],
        request["url"],
        body and Body(body["value"], body["format"], body.get("encoding") == "gzip"),
        request.get("headers") or {},
        request.get("query") or {},
        owners,
    )


def _shown(request: Request) -> dict[str, Any]:
    body: dict[str, Any] | None = None
    if request.body is not None:
        body = {"format": request.body.format, "value": request.body.value}
        if request.body.gzip:
            body["encoding"] = "gzip"
    return {
        "method": request.method,
        "url": request.url,
        "query": dict(request.query),
        "headers": dict(request.headers),
        "body": body,
    }


def _dispatched(dispatch: Dispatch) -> dict[str, Any]:
    if dispatch.error is not None:
        return {"job_ids": list(dispatch.jobs), "error": _fault(dispatch.error)}
    return {
        "job_ids": list(dispatch.jobs),
        "requests": [_shown(request) for request in dispatch.requests],
    }


def _fault(error: InvalidEvent | InvalidSettings) -> dict[str, Any]:
    kind = "instrumentation" if isinstance(error, InvalidEvent) else "configuration"
    return {"status": 400, "type": kind, "message": str(error)}
