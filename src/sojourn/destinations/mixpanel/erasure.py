"""Deleting users at Mixpanel: profile by profile, or by a deletion task for the events too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sojourn.destinations.http_destination import Sender
from sojourn.destinations.mixpanel.configuration import HOSTS
from sojourn.destinations.request import (
    JSON_TYPE,
    Body,
    Request,
    Verdict,
    plain_verdict,
    worst,
)
from sojourn.destinations.values import truthy

_PROFILES_AT_ONCE = 1000
_TASK_AT_ONCE = 1999
_TASK_HOSTS = {"eu": "https://eu.mixpanel.com", "in": "https://in.mixpanel.com"}


async def erase(
    config: Mapping[str, Any], users: Sequence[Mapping[str, Any]], sender: Sender
) -> Verdict:
    """Ask for the deletion, call by call; one that is refused keeps none of the others."""
    by_task = config.get("userDeletionApi") == "task"
    if not config.get("token") or (by_task and not config.get("gdprApiToken")):
        return Verdict("aborted", 400, ())
    ids = [user["userId"] for user in users if truthy(user.get("userId"))]
    calls = _task(config, ids) if by_task else _profiles(config, ids)
    return worst([plain_verdict(await sender.send(request), ()) for request in calls])


def _profiles(config: Mapping[str, Any], ids: Sequence[Any]) -> Iterator[Request]:
    host = config.get("baseUrl") or HOSTS.get(
        config.get("dataResidency", ""), "https://api.mixpanel.com"
    )
    headers = {"Accept": "text/plain", "Content-Type": JSON_TYPE}
    for start in range(0, len(ids), _PROFILES_AT_ONCE):
        value = [
            {
                "$distinct_id": one,
                "$token": config["token"],
                "$delete": None,
                "$ignore_alias": True,
            }
            for one in ids[start : start + _PROFILES_AT_ONCE]
        ]
        yield Request("POST", f"{host}/engage", Body(value), headers)


def _task(config: Mapping[str, Any], ids: Sequence[Any]) -> Iterator[Request]:
    residency = config.get("dataResidency", "")
    host = _TASK_HOSTS.get(residency, "https://mixpanel.com")
    url = f"{host}/api/app/data-deletions/v3.0/?token={config['token']}"
    headers = {"Content-Type": JSON_TYPE, "Authorization": f"Bearer {config['gdprApiToken']}"}
    for start in range(0, len(ids), _TASK_AT_ONCE):
        value = {
            "distinct_ids": ids[start : start + _TASK_AT_ONCE],
            "compliance_type": "GDPR" if residency == "eu" else "CCPA",
        }
        yield Request("POST", url, Body(value), headers)
