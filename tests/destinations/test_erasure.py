"""Deleting users at Amplitude and Mixpanel: which calls, and what their answers mean together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sojourn.core.outcome import Delivered, Rejected, Retry
from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.http_destination import HttpDestination
from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.request import Request, Response

KINDS: Mapping[str, tuple[type[HttpDestination], dict[str, Any], int]] = {
    "amplitude": (Amplitude, {"apiKey": "k", "apiSecret": "s"}, 100),
    "mixpanel": (Mixpanel, {"token": "t"}, 1000),
    "mixpanel tasks": (
        Mixpanel,
        {"token": "t", "userDeletionApi": "task", "gdprApiToken": "g"},
        1999,
    ),
}


class Recorder:
    """Answers with given statuses; keeps the requests."""

    def __init__(self, statuses: Sequence[int]) -> None:
        self.statuses, self.sent = list(statuses), list[Request]()

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        return Response(self.statuses.pop(0) if self.statuses else 200)

    async def close(self) -> None:
        """Nothing to release."""


def made(kind: str, statuses: Sequence[int], **more: Any) -> tuple[HttpDestination, Recorder]:
    maker, config, _ = KINDS[kind]
    recorder = Recorder(statuses)
    return maker({**config, **more}, sender=recorder), recorder


def ids(request: Request) -> list[Any]:
    assert request.body is not None
    value = request.body.value
    if isinstance(value, list):
        return [one["$distinct_id"] for one in value]
    found: list[Any] = value.get("user_ids") or value.get("distinct_ids")
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_users_go_in_calls_of_the_size_that_the_vendor_takes(kind: str) -> None:
    destination, recorder = made(kind, [])
    most = KINDS[kind][2]
    users: list[dict[str, Any]] = [{"userId": f"u{number}"} for number in range(most + 1)]
    outcome = await destination.forget([{"userId": ""}, *users, {"email": "e"}, {"userId": None}])
    assert outcome == Delivered()
    assert [len(ids(request)) for request in recorder.sent] == [most, 1]
    assert [one for request in recorder.sent for one in ids(request)] == [
        user["userId"] for user in users
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([200, 200], Delivered),
        ([400, 200], Rejected),
        ([200, 403], Rejected),
        ([500, 200], Retry),
        ([429, 200], Retry),
        ([400, 503], Retry),
        ([503, 400], Retry),
    ],
)
async def test_one_refused_call_keeps_none_of_the_others(
    kind: str, statuses: list[int], outcome: type
) -> None:
    destination, recorder = made(kind, statuses)
    most = KINDS[kind][2]
    found = await destination.forget([{"userId": f"u{n}"} for n in range(most + 1)])
    assert isinstance(found, outcome)
    assert len(recorder.sent) == 2


@pytest.mark.parametrize(
    ("kind", "more", "url"),
    [
        ("amplitude", {}, "https://amplitude.com/api/2/deletions/users"),
        (
            "amplitude",
            {"residencyServer": "EU"},
            "https://analytics.eu.amplitude.com/api/2/deletions/users",
        ),
        ("mixpanel", {}, "https://api.mixpanel.com/engage"),
        ("mixpanel", {"dataResidency": "eu"}, "https://api-eu.mixpanel.com/engage"),
        ("mixpanel", {"dataResidency": "in"}, "https://api-in.mixpanel.com/engage"),
        (
            "mixpanel tasks",
            {},
            "https://mixpanel.com/api/app/data-deletions/v3.0/?token=t",
        ),
        (
            "mixpanel tasks",
            {"dataResidency": "eu"},
            "https://eu.mixpanel.com/api/app/data-deletions/v3.0/?token=t",
        ),
        (
            "mixpanel tasks",
            {"dataResidency": "in"},
            "https://in.mixpanel.com/api/app/data-deletions/v3.0/?token=t",
        ),
    ],
)
async def test_deletion_goes_where_the_project_lives(
    kind: str, more: dict[str, Any], url: str
) -> None:
    destination, recorder = made(kind, [], **more)
    await destination.forget([{"userId": "u"}])
    (request,) = recorder.sent
    assert (request.method, request.url) == ("POST", url)
    assert request.body is not None
    if kind == "amplitude":
        assert request.headers["Authorization"] == "Basic azpz"
    elif kind == "mixpanel":
        expected = {"$distinct_id": "u", "$token": "t", "$delete": None, "$ignore_alias": True}
        assert request.body.value == [expected]
    else:
        law = "GDPR" if more.get("dataResidency") == "eu" else "CCPA"
        assert request.body.value == {"distinct_ids": ["u"], "compliance_type": law}
        assert request.headers["Authorization"] == "Bearer g"


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("amplitude", "apiKey"),
        ("amplitude", "apiSecret"),
        ("mixpanel", "token"),
        ("mixpanel tasks", "token"),
        ("mixpanel tasks", "gdprApiToken"),
    ],
)
async def test_without_its_keys_nothing_is_asked(kind: str, missing: str) -> None:
    destination, recorder = made(kind, [], **{missing: ""})
    assert isinstance(await destination.forget([{"userId": "u"}]), Rejected)
    assert recorder.sent == []
