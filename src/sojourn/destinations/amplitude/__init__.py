"""Amplitude: HTTP API v2, batch, group identify, user mapping and user deletion.

Every event carries `insert_id` (the message id), by which Amplitude drops second copies, and
`session_id` (-1 outside of any session).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from sojourn.core.ports import Capabilities
from sojourn.destinations import options
from sojourn.destinations.amplitude import batches
from sojourn.destinations.amplitude.transform import Transform
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
    attempt,
    plain_verdict,
    shared_verdict,
    worst,
)
from sojourn.destinations.values import text, truthy

__all__ = ["OPTIONS", "Amplitude"]

OPTIONS = (
    Option("api_key", "apiKey", "the API key of the Amplitude project", required=True, secret=True),
    Option("api_secret", "apiSecret", "the secret key, for deleting users", secret=True),
    Option("residency", "residencyServer", "where the project lives", choices=("US", "EU")),
    Option("group_type_trait", "groupTypeTrait", "the trait that holds a group's type"),
    Option("group_value_trait", "groupValueTrait", "the trait that holds a group's name"),
    Option("map_device_brand", "mapDeviceBrand", "take the brand from the context", "flag"),
    Option("track_products_once", "trackProductsOnce", "keep products in the order", "flag"),
    Option(
        "track_revenue_per_product",
        "trackRevenuePerProduct",
        "put revenue on the products instead of the order",
        "flag",
    ),
    Option("traits_to_increment", "traitsToIncrement", "traits for $add", "names", "traits"),
    Option("traits_to_set_once", "traitsToSetOnce", "traits for $setOnce", "names", "traits"),
    Option("traits_to_append", "traitsToAppend", "traits for $append", "names", "traits"),
    Option("traits_to_prepend", "traitsToPrepend", "traits for $prepend", "names", "traits"),
    Option(
        "enhanced_user_operations",
        "enableEnhancedUserOperations",
        "put user properties below $set, on all calls",
        "flag",
    ),
    Option("custom_page_names", "useUserDefinedPageEventName", "use `page_name`", "flag"),
    Option("page_name", "userProvidedPageEventString", "template of a page's event name"),
    Option("custom_screen_names", "useUserDefinedScreenEventName", "use `screen_name`", "flag"),
    Option("screen_name", "userProvidedScreenEventString", "template of a screen's event name"),
    Option("url", "baseUrl", "another host than Amplitude's own, such as a proxy"),
)

_DELETION_HOSTS = {"EU": "https://analytics.eu.amplitude.com"}
_DELETED_AT_ONCE = 100


class Amplitude(HttpDestination):
    """Delivers to one Amplitude project."""

    capabilities = Capabilities(
        max_events=1000, max_bytes=10 << 20, idempotent=True, events_per_second=1000
    )
    integration_names = ("Amplitude", "AM")
    parallel = 8

    def __init__(self, config: Mapping[str, Any], **how: Any) -> None:
        super().__init__(config, **how)
        self._transform = Transform(config)
        self.secrets = options.secrets(config, OPTIONS)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Built from the destination's table in `sojourn.toml`. Raises `InvalidSettings`."""
        return cls(options.read("destination amplitude", settings, OPTIONS))

    def requests(self, event: Mapping[str, Any]) -> list[Request]:
        """The requests of one event. Raises `InvalidEvent` or `InvalidSettings`."""
        return self._transform.requests(event)

    def arranged(self, jobs: Sequence[Job], make: Callable[[Job], list[Request]]) -> list[Dispatch]:
        """One call per user; groups with properties, aliases and lone jobs on their own."""
        dispatches: list[Dispatch] = []
        users: dict[str, list[batches.Shareable]] = {}
        for job, made in _made(jobs, make):
            if isinstance(made, Dispatch):
                dispatches.append(made)
            else:
                users.setdefault(_user(job.event), []).append((job.id, made))
        for group in users.values():
            dispatches += batches.chunked(group, self.max_events)
        return dispatches

    def plan(self, jobs: Sequence[Job]) -> list[Dispatch]:
        """Calls across users, in which nobody's events change places.

        Amplitude's `/batch` takes events of any users, so these are far fewer than the calls
        of `arranged`, which divides them by user as RudderStack's router does.
        """
        dispatches: list[Dispatch] = []
        chunk: list[batches.Shareable] = []
        people: set[str] = set()
        for job, made in _made(jobs, lambda job: self.requests(job.event)):
            if not isinstance(made, Dispatch):
                chunk.append((job.id, made))
                people.add(job.person)
                continue
            if job.person in people:
                dispatches += batches.chunked(chunk, self.max_events)
                chunk, people = [], set()
            dispatches.append(made)
        return dispatches + list(batches.chunked(chunk, self.max_events))

    def joined(self, made: Sequence[batches.Made]) -> list[Dispatch]:
        """Finished requests joined across users."""
        return batches.joined(made)

    def judge(self, request: Request, response: Response, jobs: Sequence[Job]) -> Verdict:
        """What an answer means; several jobs of a refused call are tried one by one.

        Of a call that failed as a whole, nothing but later (500) or never (400) is kept.
        """
        verdict = shared_verdict(response, jobs)
        status = {"retryable": 500, "aborted": 400}.get(verdict.outcome)
        if status is None:
            return verdict
        each = [JobStatus(job.id, status, job.alone) for job in verdict.jobs]
        return Verdict(verdict.outcome, status, each)

    async def erase(self, users: Sequence[Mapping[str, Any]]) -> Verdict:
        """Ask Amplitude to delete users, 100 a call; one refused call keeps none of the others."""
        key, secret = self.config.get("apiKey"), self.config.get("apiSecret")
        if not key or not secret:
            return Verdict("aborted", 400, ())
        host = self.config.get("baseUrl") or _DELETION_HOSTS.get(
            self.config.get("residencyServer", ""), "https://amplitude.com"
        )
        token = base64.b64encode(f"{key}:{secret}".encode()).decode()
        headers = {"Content-Type": JSON_TYPE, "Authorization": f"Basic {token}"}
        ids = [user["userId"] for user in users if truthy(user.get("userId"))]
        verdicts = []
        for start in range(0, len(ids), _DELETED_AT_ONCE):
            value = {
                "user_ids": ids[start : start + _DELETED_AT_ONCE],
                "requester": "RudderStack",
                "ignore_invalid_id": "true",
            }
            url = f"{host}/api/2/deletions/users"
            response = await self.sender.send(Request("POST", url, Body(value), headers))
            verdicts.append(plain_verdict(response, ()))
        return worst(verdicts)


def _made(
    jobs: Sequence[Job], make: Callable[[Job], list[Request]]
) -> Iterator[tuple[Job, list[Request] | Dispatch]]:
    """For each job the requests that may share a call, or a dispatch of its own."""
    for job in jobs:
        made = attempt(make, job)
        if not isinstance(made, list):
            yield job, Dispatch((job.id,), error=made)
            continue
        alone = job.alone or not batches.shareable(made)
        yield job, Dispatch((job.id,), made) if alone else made


def _user(event: Mapping[str, Any]) -> str:
    user_id = event.get("userId")
    return text(user_id if truthy(user_id) else event.get("anonymousId"))
