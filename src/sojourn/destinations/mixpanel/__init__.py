"""Mixpanel: import, people, groups and user deletion.

Every event carries `$insert_id` (from the message id), by which Mixpanel drops second copies,
and `$session_id` where it has a session.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.core.ports import Capabilities
from sojourn.destinations import options
from sojourn.destinations.http_destination import HttpDestination
from sojourn.destinations.mixpanel import batches, erasure, events, profiles
from sojourn.destinations.mixpanel.configuration import HOSTS, OPTIONS
from sojourn.destinations.mixpanel.identity import as_text, own
from sojourn.destinations.request import (
    JSON_TYPE,
    Body,
    Dispatch,
    Job,
    Request,
    Response,
    Verdict,
)
from sojourn.destinations.values import child, epoch_ms, iso_ms, truthy

__all__ = ["OPTIONS", "Mixpanel"]

_JSON = {"Content-Type": JSON_TYPE}
_VERBOSE = {"verbose": 2}
_NO_ACCESS = "give `token`, or `service_account`, `service_secret` and `project_id`"


class Mixpanel(HttpDestination):
    """Delivers to one Mixpanel project."""

    capabilities = Capabilities(max_events=2000, max_bytes=8 << 20, idempotent=True)
    integration_names = ("Mixpanel", "MP")
    parallel = 8

    def __init__(self, config: Mapping[str, Any], **how: Any) -> None:
        super().__init__(config, **how)
        self.token = config.get("token")
        self.simplified = config.get("identityMergeApi") == "simplified"
        self.host = config.get("baseUrl") or HOSTS.get(
            config.get("dataResidency", ""), "https://api.mixpanel.com"
        )
        self.secrets = options.secrets(config, OPTIONS)
        self._operations = profiles.operations(config)
        self._increments = _properties(config.get("propIncrements"))
        self._import_query: dict[str, Any] = {
            "strict": 1 if truthy(config.get("strictMode")) else 0
        }
        self._import_headers = self._import_access()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Built from the destination's table in `sojourn.toml`. Raises `InvalidSettings`."""
        destination = cls(options.read("destination mixpanel", settings, OPTIONS))
        if destination._import_headers is None:
            raise InvalidSettings(f"destination mixpanel: {_NO_ACCESS}")
        return destination

    def _import_access(self) -> Mapping[str, str] | None:
        """The headers for `/import/`; None without a token or a complete service account."""
        config = self.config
        user, secret = config.get("serviceAccountUserName"), config.get("serviceAccountSecret")
        project = config.get("projectId")
        if self.token:
            credentials = f"{self.token}:"
        elif user and secret and project:
            credentials = f"{user}:{secret}"
            self._import_query["project_id"] = project
        else:
            return None
        encoded = base64.b64encode(credentials.encode()).decode()
        return {**_JSON, "Authorization": f"Basic {encoded}"}

    def requests(self, event: Mapping[str, Any]) -> list[Request]:
        """The requests of one event. Raises `InvalidEvent` or `InvalidSettings`."""
        kind = event.get("type")
        if kind == "alias":
            return [self._alias(event)]
        event = as_text(event)
        if kind == "track":
            return self._track(event)
        if kind in ("page", "screen"):
            return [self._view(event, kind)]
        if kind == "identify":
            return self._identify(event)
        if kind == "group":
            return self._group(event)
        raise InvalidEvent(f"Mixpanel takes no event of type `{kind}`")

    def _import(self, payload: Mapping[str, Any]) -> Request:
        if self._import_headers is None:
            raise InvalidSettings(f"Mixpanel: {_NO_ACCESS}")
        return Request(
            "POST",
            f"{self.host}/import/",
            Body([payload]),
            self._import_headers,
            self._import_query,
        )

    def _profile(self, payload: dict[str, Any], path: str = "engage") -> Request:
        if self.token is not None:
            payload["$token"] = self.token
        return Request("POST", f"{self.host}/{path}/", Body([payload]), _JSON, _VERBOSE)

    def _person(self, event: Mapping[str, Any], payload: dict[str, Any]) -> Request:
        own(event, self.simplified, "$distinct_id", payload)
        return self._profile(payload)

    def _track(self, event: Mapping[str, Any]) -> list[Request]:
        made: list[Request] = []
        properties = event.get("properties")
        revenue = child(properties, "revenue")
        if truthy(revenue):
            moment = epoch_ms(event.get("timestamp"))
            if moment is None:
                moment = epoch_ms(event.get("originalTimestamp"))
            if moment is None:
                raise InvalidEvent("neither `timestamp` nor `originalTimestamp` is a valid date")
            transaction = {"$time": iso_ms(moment), "$amount": revenue}
            made.append(self._person(event, {"$append": {"$transactions": transaction}}))
        if self._increments and isinstance(properties, dict):
            added = {
                name: value
                for name, value in properties.items()
                if name in self._increments and truthy(value)
            }
            if added:
                made.append(self._person(event, {"$add": added}))
        payload = events.track(
            event,
            token=self.token,
            simplified=self.simplified,
            drop_traits=truthy(self.config.get("dropTraitsInTrackEvent")),
            now_ms=self.now_ms(),
        )
        return [*made, self._import(payload)]

    def _view(self, event: Mapping[str, Any], kind: str) -> Request:
        title = kind.title()
        name = f"Loaded a {title}"
        if truthy(self.config.get(f"useUserDefined{title}EventName")):
            template = self.config.get(f"userDefined{title}EventTemplate")
            name = events.templated(template, event)
        return self._import(
            events.view(
                event, name, token=self.token, simplified=self.simplified, now_ms=self.now_ms()
            )
        )

    def _identify(self, event: Mapping[str, Any]) -> list[Request]:
        rest, done = profiles.split(event, self._operations)
        made = [self._person(event, {operation: content}) for operation, content in done]
        content = profiles.profile(rest, truthy(self.config.get("useNewMapping")))
        made.append(self._person(event, profiles.about(event, {"$set": content})))
        user_id, anonymous_id = event.get("userId"), event.get("anonymousId")
        known = user_id and anonymous_id and self._import_headers is not None
        if not self.simplified and known:
            properties: dict[str, Any] = {"$distinct_ids": [user_id, anonymous_id]}
            if self.token is not None:
                properties["token"] = self.token
            made.append(self._import({"event": "$merge", "properties": properties}))
        return made

    def _group(self, event: Mapping[str, Any]) -> list[Request]:
        made: list[Request] = []
        address = profiles.about(event, {}).get("$ip")
        traits = event.get("traits")
        for key, values in profiles.group_values(event, self.config.get("groupKeySettings")):
            payload: dict[str, Any] = {"$set": {key: values}}
            if address is not None:
                payload["$ip"] = address
            made.append(self._person(event, payload))
            made += [
                self._profile(
                    {
                        "$group_key": key,
                        "$group_id": value,
                        "$set": dict(traits) if isinstance(traits, dict) else {},
                    },
                    "groups",
                )
                for value in values
            ]
        return made

    def _alias(self, event: Mapping[str, Any]) -> Request:
        if self.simplified:
            raise InvalidEvent("Mixpanel's simplified id merge knows no alias")
        return self._import(events.alias(event, self.token, self.now_ms()))

    def arranged(self, jobs: Sequence[Job], make: Callable[[Job], list[Request]]) -> list[Dispatch]:
        """Runs of one type that keep each person's order; requests by endpoint."""
        return self._in_runs(jobs, make, batches.by_type)

    def plan(self, jobs: Sequence[Job]) -> list[Dispatch]:
        """As `arranged`, with fewer runs: what goes to one endpoint may share a request."""
        return self._in_runs(jobs, lambda job: self.requests(job.event), batches.by_endpoint)

    def _in_runs(
        self,
        jobs: Sequence[Job],
        make: Callable[[Job], list[Request]],
        kind_of: Callable[[Job], Any],
    ) -> list[Dispatch]:
        return [
            dispatch
            for run in batches.runs(jobs, kind_of)
            for dispatch in batches.dispatches(run, make, self.gzip)
        ]

    def judge(self, request: Request, response: Response, jobs: Sequence[Job]) -> Verdict:
        """What an answer means, for each job."""
        return batches.judge(request, response, jobs)

    async def erase(self, users: Sequence[Mapping[str, Any]]) -> Verdict:
        """Ask Mixpanel to delete users: their profiles, or all by a deletion task."""
        return await erasure.erase(self.config, users, self.sender)


def _properties(rows: Any) -> frozenset[str]:
    if not isinstance(rows, list):
        return frozenset()
    return frozenset(
        row["property"] for row in rows if isinstance(row, dict) and row.get("property")
    )
