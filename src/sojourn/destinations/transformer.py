"""Any destination of RudderStack's open-source transformer, by a service that the user runs.

The events go to the service (`POST /routerTransform`, or `POST /v0/destinations/{name}` where a
destination knows no router format); the requests that it answers with are sent by us, or, with
`proxy`, by the service, which then also tells what the vendor's answer means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from sojourn.core.errors import DestinationUnavailable, InvalidEvent
from sojourn.core.ports import Capabilities
from sojourn.destinations import options
from sojourn.destinations.http import HttpSender
from sojourn.destinations.http_destination import HttpDestination
from sojourn.destinations.options import Option
from sojourn.destinations.request import (
    JSON_TYPE,
    Body,
    Dispatch,
    Job,
    JobStatus,
    Request,
    Response,
    Verdict,
    shared_verdict,
)
from sojourn.destinations.values import child

__all__ = ["OPTIONS", "Transformer"]

OPTIONS = (
    Option("url", "url", "where the transformer service listens", required=True),
    Option(
        "destination", "destination", "the transformer's name for the destination", required=True
    ),
    Option("config", "config", "the destination's settings as RudderStack names them", "table"),
    Option("router", "router", "use the router format (the default)", "flag"),
    Option("proxy", "proxy", "let the service send the requests too", "flag"),
    Option("timeout", "timeout", "longest wait for an answer, seconds", "number"),
)

_HEADERS = {"Content-Type": JSON_TYPE}


class Transformer(HttpDestination):
    """Delivers to a destination whose mapping a transformer service does."""

    capabilities = Capabilities(max_events=100, max_bytes=4 << 20)

    def __init__(self, config: Mapping[str, Any], **how: Any) -> None:
        super().__init__(config, **how)
        self.service = str(config.get("url", "")).rstrip("/")
        self.target = str(config.get("destination", "")).lower()
        self.router = config.get("router", True) is not False
        self.proxy = bool(config.get("proxy"))
        self.integration_names = (self.target,)
        settings = config.get("config")
        self.settings = dict(settings) if isinstance(settings, Mapping) else {}
        self.secrets = [one for one in self.settings.values() if isinstance(one, str) and one]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Built from the destination's table in `sojourn.toml`. Raises `InvalidSettings`."""
        config = options.read("destination transformer", settings, OPTIONS)
        return cls(config, sender=HttpSender(timeout=float(config.get("timeout", 30))))

    async def planned(self, jobs: Sequence[Job]) -> list[Dispatch]:
        """Ask the service for the requests. Raises `DestinationUnavailable`."""
        entries = [self._entry(job) for job in jobs]
        if self.router:
            value: Any = {"input": entries, "destType": self.target}
            request = Request("POST", f"{self.service}/routerTransform", Body(value), _HEADERS)
        else:
            url = f"{self.service}/v0/destinations/{self.target}"
            request = Request("POST", url, Body(entries), _HEADERS)
        response = await self.sender.send(request)
        if response.status != 200:
            raise DestinationUnavailable(f"transformer answered {response.status}")
        answer = child(response.body, "output") if self.router else response.body
        if not isinstance(answer, list):
            raise DestinationUnavailable("transformer answered in a form that is not known")
        return self._dispatches(jobs, answer)

    def _entry(self, job: Job) -> dict[str, Any]:
        """One event with what the service wants to know about it."""
        return {
            "message": job.event,
            "metadata": self._metadata(job),
            "destination": {
                "ID": self.target,
                "Name": self.target,
                "Enabled": True,
                "Config": self.settings,
                "DestinationDefinition": {"Name": self.target.upper(), "Config": {}},
            },
        }

    def _metadata(self, job: Job) -> dict[str, Any]:
        return {
            "jobId": job.id,
            "attemptNum": 0,
            "userId": job.person,
            "messageId": job.event.get("messageId"),
            "sourceId": "sojourn",
            "destinationId": self.target,
            "destinationType": self.target.upper(),
            "workspaceId": "sojourn",
            "dontBatch": job.alone,
        }

    def _dispatches(self, jobs: Sequence[Job], answer: Sequence[Any]) -> list[Dispatch]:
        """The service's answer; jobs that it forgot are refused, so that none is lost."""
        found: dict[tuple[int, ...], Dispatch] = {}
        for one in answer:
            metadata = child(one, "metadata")
            about = metadata if isinstance(metadata, list) else [metadata]
            ids = tuple(child(row, "jobId") for row in about)
            status = child(one, "statusCode")
            made = child(one, "batchedRequest") or child(one, "output")
            if status == 200 and made:
                requests = [_request(row) for row in (made if isinstance(made, list) else [made])]
                before = found[ids].requests if ids in found else ()
                found[ids] = Dispatch(ids, (*before, *requests))
            elif status == 298 or (status == 200 and not made):
                found.setdefault(ids, Dispatch(ids))
            else:
                found[ids] = Dispatch(ids, error=InvalidEvent(str(child(one, "error"))))
        known = {job for ids in found for job in ids}
        for job in jobs:
            if job.id not in known:
                error = InvalidEvent("the transformer gave no answer for it")
                found[job.id,] = Dispatch((job.id,), error=error)
        return list(found.values())

    def prepared(self, request: Request, jobs: Sequence[Job]) -> Request:
        """The request itself, or the order to the service to send it."""
        if not self.proxy:
            return request
        order = {
            "version": "1",
            "type": "REST",
            "method": request.method,
            "endpoint": request.url,
            "headers": dict(request.headers),
            "params": dict(request.query),
            "body": _wire_body(request.body),
            "files": {},
            "metadata": [self._metadata(job) for job in jobs],
            "destinationConfig": self.settings,
        }
        url = f"{self.service}/v1/destinations/{self.target}/proxy"
        return Request("POST", url, Body(order), _HEADERS)

    def judge(self, request: Request, response: Response, jobs: Sequence[Job]) -> Verdict:
        """The vendor's status, or with `proxy` the service's reading of it, job by job."""
        states = child(child(response.body, "output"), "response") if self.proxy else None
        if not isinstance(states, list):
            return shared_verdict(response, jobs)
        statuses = {
            child(child(state, "metadata"), "jobId"): child(state, "statusCode") for state in states
        }
        each = []
        for job in jobs:
            status = statuses.get(job.id)
            status = status if isinstance(status, int) else response.status
            each.append(JobStatus(job.id, 200 if 200 <= status < 300 else status, job.alone))
        return Verdict("per_job", response.status, each)


def _request(made: Any) -> Request:
    """The request that the service describes."""
    return Request(
        str(child(made, "method") or "POST"),
        str(child(made, "endpoint") or ""),
        _body(child(made, "body")),
        {name: str(value) for name, value in (child(made, "headers") or {}).items()},
        child(made, "params") or {},
    )


def _body(body: Any) -> Body | None:
    """The first kind of body that holds something."""
    if value := child(body, "JSON"):
        return Body(value)
    if batch := child(child(body, "JSON_ARRAY"), "batch"):
        return Body(msgspec.json.decode(batch))
    if value := child(body, "FORM"):
        return Body(value, "form")
    if payload := child(child(body, "XML"), "payload"):
        return Body(payload, "text")
    if payload := child(child(body, "GZIP"), "payload"):
        return Body(payload, "text", gzip=True)
    return None


def _wire_body(body: Body | None) -> dict[str, Any]:
    """The body as the service describes bodies."""
    kinds: dict[str, Any] = {"JSON": {}, "JSON_ARRAY": {}, "XML": {}, "FORM": {}}
    if body is None:
        return kinds
    if body.format == "form":
        kinds["FORM"] = body.value
    elif body.format == "text":
        kinds["GZIP" if body.gzip else "XML"] = {"payload": body.value}
    elif isinstance(body.value, list):
        kinds["JSON_ARRAY"] = {"batch": msgspec.json.encode(body.value).decode()}
    else:
        kinds["JSON"] = body.value
    return kinds
