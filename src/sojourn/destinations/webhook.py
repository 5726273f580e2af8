"""Webhook: each event as one HTTP request, as it is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote

import msgspec

from sojourn.core.errors import InvalidSettings
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
    Request,
    Response,
    Verdict,
    shared_verdict,
)
from sojourn.destinations.values import at, child, text, traits_of, truthy

__all__ = ["OPTIONS", "Webhook"]

OPTIONS = (
    Option("url", "webhookUrl", "where to send; may hold {{path.in.the.event}}", required=True),
    Option(
        "method",
        "webhookMethod",
        "how to send",
        choices=("POST", "PUT", "PATCH", "GET", "DELETE"),
    ),
    Option("headers", "headers", "headers of every request", "pairs", secret=True),
    Option("query", "query", "query of every request; may hold {{paths}}", "pairs"),
    Option("signing_key", "signingKey", "signs bodies with HMAC-SHA256", secret=True),
    Option("batch", "batchEvents", "most events in one request, sent as an array", "number"),
    Option("allow_internal", "allowInternal", "allow addresses that are not public", "flag"),
    Option("redirects", "redirects", "how many redirects to follow", "number"),
    Option("timeout", "timeout", "longest wait for an answer, seconds", "number"),
)

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITH_QUERY = frozenset({"GET", "DELETE"})
_KEPT_BACK = frozenset({"header", "fullPath", "appendPath"})
_INTEGRATION_NAMES = ("webhook", "Webhook", "WebHook", "WEBHOOK")

SIGNATURE = "X-Sojourn-Signature"
"""Header: `sha256=` and the HMAC of the body as sent, hexadecimal."""
IDEMPOTENCE = "Idempotency-Key"
"""Header: the message id; for a batch, a hash of the ids in it."""


class Webhook(HttpDestination):
    """Delivers events to an HTTP endpoint of the user's own."""

    capabilities = Capabilities(max_events=20, max_bytes=1 << 20)
    parallel = 16
    integration_names = ("webhook",)

    def __init__(self, config: Mapping[str, Any], **how: Any) -> None:
        super().__init__(config, **how)
        self.url = config.get("webhookUrl")
        self.method: str = config.get("webhookMethod") or "POST"
        self.batch = int(config.get("batchEvents") or 1)
        self.templated = isinstance(self.url, str) and "{{" in self.url
        self.query = {row["from"]: row["to"] for row in config.get("query") or ()}
        self.headers = {"content-type": JSON_TYPE} if self.method in _WITH_BODY else {}
        for row in config.get("headers") or ():
            name, value = text(row.get("from") or ""), row.get("to")
            if name.strip() and value is not None:
                self.headers[name.lower()] = value
        self.secrets = options.secrets(config, OPTIONS)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Built from the destination's table in `sojourn.toml`. Raises `InvalidSettings`.

        Internal addresses are refused unless `allow_internal` is set.
        """
        config = options.read("destination webhook", settings, OPTIONS)
        key = config.get("signingKey")
        sender = HttpSender(
            timeout=float(config.get("timeout", 30)),
            public_only=not config.get("allowInternal", False),
            redirects=int(config.get("redirects", 0)),
            sign=signer(key) if key else None,
        )
        return cls(config, sender=sender)

    def requests(self, event: Mapping[str, Any]) -> list[Request]:
        """The one request of an event. Raises `InvalidSettings` where there is no URL."""
        if not self.url:
            raise InvalidSettings("the webhook needs `url`")
        url = self._address(event)
        headers = {**self.headers}
        own = event.get("header")
        if isinstance(own, dict):
            for name, value in own.items():
                _replace(headers, name, value if isinstance(value, str) else _json_text(value))
        body, query = None, _filled_query(self.query, event)
        if self.method in _WITH_BODY:
            body = Body(_payload(event))
        elif self.method in _WITH_QUERY:
            named = event.get("type") == "identify"
            flatten(traits_of(event) if named else event.get("properties"), "", query)
        return [Request(self.method, url, body, headers, query)]

    def _address(self, event: Mapping[str, Any]) -> str:
        integration = _integration(event)
        full = event.get("fullPath") or child(integration, "fullPath")
        if isinstance(full, str) and full:
            url = full
        else:
            url = filled(text(self.url), event) if self.templated else text(self.url)
        tail = event.get("appendPath") or child(integration, "appendPath")
        return url + tail if isinstance(tail, str) else url

    def arranged(self, jobs: Sequence[Job], make: Callable[[Job], list[Request]]) -> list[Dispatch]:
        """One request an event; with `batch`, neighbours with the same target share one."""
        dispatches = super().arranged(jobs, make)
        if self.batch <= 1 or self.method not in _WITH_BODY:
            return dispatches
        joined: list[Dispatch] = []
        for dispatch in dispatches:
            last = joined[-1] if joined else None
            if last and _joinable(last, dispatch, self.batch):
                joined[-1] = _joined(last, dispatch)
            elif dispatch.error is None:
                first = dispatch.requests[0]
                value = [first.body.value] if first.body else []
                joined.append(Dispatch(dispatch.jobs, (_with_body(first, value),)))
            else:
                joined.append(dispatch)
        return joined

    def judge(self, request: Request, response: Response, jobs: Sequence[Job]) -> Verdict:
        """What the status says; events of a refused array are tried one by one."""
        return shared_verdict(response, jobs)

    def prepared(self, request: Request, jobs: Sequence[Job]) -> Request:
        """The request with its idempotence key."""
        ids = [text(job.event.get("messageId") or "") for job in jobs]
        key = ids[0] if len(ids) == 1 else hashlib.sha256("\n".join(ids).encode()).hexdigest()
        headers = {**request.headers, IDEMPOTENCE: key}
        return Request(request.method, request.url, request.body, headers, request.query)


def _replace(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header in place of one whose name differs in case only."""
    for other in [one for one in headers if one.lower() == name.lower()]:
        del headers[other]
    headers[name] = value


def signer(key: str) -> Any:
    """A function from a body's bytes to the header that signs them."""

    def sign(body: bytes) -> dict[str, str]:
        return {SIGNATURE: "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}

    return sign


def filled(template: str, event: Mapping[str, Any]) -> str:
    """The template with each `{{path}}` replaced by the value there, quoted for a URL."""
    parts = template.split("{{")
    out = [parts[0]]
    for part in parts[1:]:
        path, closed, rest = part.partition("}}")
        value = at(event, path.strip()) if closed else None
        out.append(quote(text(value), safe="") + rest if value is not None else rest)
    return "".join(out)


def _filled_query(query: Mapping[str, str], event: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in query.items():
        path = value.strip()
        whole = path.startswith("{{") and path.endswith("}}")
        out[name] = at(event, path[2:-2].strip()) if whole else value
    return out


def flatten(value: Any, path: str, out: dict[str, Any]) -> None:
    """Write the leaves of `value` into `out` under paths such as `a.b[0].c`."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            flatten(one, f"{path}.{key}" if path else key, out)
    elif isinstance(value, list) and value:
        for index, one in enumerate(value):
            flatten(one, f"{path}[{index}]", out)
    elif path:
        out[path] = value


def _payload(event: Mapping[str, Any]) -> dict[str, Any]:
    value = {key: one for key, one in event.items() if one is not None and key not in _KEPT_BACK}
    context, address = event.get("context"), event.get("request_ip")
    if truthy(address) and child(context, "ip") is None:
        value["context"] = {**(context if isinstance(context, dict) else {}), "ip": address}
    return value


def _integration(event: Mapping[str, Any]) -> Any:
    integrations = event.get("integrations")
    for name in _INTEGRATION_NAMES:
        found = child(integrations, name)
        if truthy(found):
            return found
    return None


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _with_body(request: Request, value: Any) -> Request:
    return Request(request.method, request.url, Body(value), request.headers, request.query)


def _joinable(last: Dispatch, one: Dispatch, most: int) -> bool:
    if last.error is not None or one.error is not None or len(last.jobs) >= most:
        return False
    left, right = last.requests[0], one.requests[0]
    return (left.url, left.headers, left.query) == (right.url, right.headers, right.query)


def _joined(last: Dispatch, one: Dispatch) -> Dispatch:
    left, right = last.requests[0], one.requests[0]
    value = [*(left.body.value if left.body else ()), right.body and right.body.value]
    return Dispatch((*last.jobs, *one.jobs), (_with_body(left, value),))
