"""Where Mixpanel's requests go, by what right, how jobs share them, and what an answer means."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.request import Body, Dispatch, Job, Request, Response, Verdict

from .mixpanel_calls import NOW, event, payloads, requests


@pytest.mark.parametrize(
    ("residency", "host"),
    [("eu", "api-eu"), ("in", "api-in"), ("us", "api"), ("EU", "api"), (None, "api")],
)
def test_every_endpoint_is_at_the_projects_residency(residency: Any, host: str) -> None:
    for kind in ("track", "identify", "group"):
        given = event(kind, traits={"company": "acme"}, properties={"revenue": 1})
        made = requests(given, dataResidency=residency, groupKeySettings=[{"groupKey": "company"}])
        assert len(made) == 2
        assert all(one.url.startswith(f"https://{host}.mixpanel.com/") for one in made)


ACCOUNT = {
    "serviceAccountUserName": "user",
    "serviceAccountSecret": "secret",
    "projectId": "7",
}


@pytest.mark.parametrize(
    ("config", "credentials", "project"),
    [
        ({}, "t:", None),
        (ACCOUNT, "t:", None),
        ({"token": None, **ACCOUNT}, "user:secret", "7"),
        ({"token": "", **ACCOUNT}, "user:secret", "7"),
    ],
)
@pytest.mark.parametrize("strict", [True, False, None])
def test_imports_are_authorized_by_the_token_else_by_a_service_account(
    config: dict[str, Any], credentials: str, project: str | None, strict: Any
) -> None:
    made = requests(event("track", properties={"revenue": 1}), strictMode=strict, **config)
    encoded = base64.b64encode(credentials.encode()).decode()
    assert made[1].headers["Authorization"] == f"Basic {encoded}"
    assert made[1].query["strict"] == (1 if strict else 0)
    assert made[1].query.get("project_id") == project
    assert made[0].query == {"verbose": 2}
    assert "Authorization" not in made[0].headers
    assert payloads(made)[0][1].get("$token") == (config.get("token", "t"))


def test_settings_must_hold_some_credentials() -> None:
    for settings in ({}, {"service_account": "u", "service_secret": "s"}):
        with pytest.raises(InvalidSettings, match="`token`, or `service_account`"):
            Mixpanel.from_settings(settings)
    account = {"service_account": "u", "service_secret": "s", "project_id": "7"}
    assert Mixpanel.from_settings(account).token is None


@pytest.mark.parametrize("missing", ["projectId", "serviceAccountSecret", "serviceAccountUserName"])
def test_without_any_credentials_nothing_is_imported(missing: str) -> None:
    config = {"token": None, **ACCOUNT, missing: None}
    for kind in ("track", "page", "alias"):
        with pytest.raises(InvalidSettings, match="`token`"):
            requests(event(kind, previousId="p"), **config)
    assert [path for path, _ in payloads(requests(event(), **config))] == ["/engage/"]


def arranged(*given: tuple[str, Mapping[str, Any]], gzip: bool = False) -> list[Dispatch]:
    destination = Mixpanel({"token": "t"}, now_ms=lambda: NOW, gzip=gzip)
    jobs = [Job(number, one, person=who) for number, (who, one) in enumerate(given, 1)]
    return destination.arranged(jobs, lambda job: destination.requests(job.event))


def test_runs_of_one_type_keep_each_users_order() -> None:
    track, page, identify = event("track"), event("page"), event(userId=None)
    made = arranged(
        ("u", track), ("v", page), ("u", identify), ("v", track), ("u", track), ("w", track)
    )
    assert [one.jobs for one in made] == [[1, 6], [2], [3], [4, 5]]


def test_deliveries_that_share_a_job_are_one_and_only_imports_are_gzipped() -> None:
    paid, free = event("track", properties={"revenue": 1}), event("track")
    for gzip in (True, False):
        made = arranged(("u", free), ("v", paid), ("w", event("x")), gzip=gzip)
        sent, refused = sorted(made, key=lambda one: one.error is not None)
        assert refused.jobs == (3,)
        assert sent.jobs == [2, 1]
        bodies = [request.body for request in sent.requests]
        assert [body.gzip for body in bodies if body] == [False, gzip]
        assert [len(body.value) for body in bodies if body] == [1, 2]


def judged(endpoint: str, response: Response) -> Verdict:
    value = [{"properties": {"$insert_id": one}} for one in ("a", "b")]
    url = f"https://api.mixpanel.com/{endpoint}/"
    request = Request("POST", url, Body(value), owners=(1, 2))
    return Mixpanel({"token": "t"}).judge(request, response, [Job(1, {}), Job(2, {})])


@pytest.mark.parametrize(
    ("endpoint", "status", "body", "expected"),
    [
        ("import", 200, 1, ("success", 200, [200, 200])),
        ("import", 400, {"failed_records": [{"$insert_id": "b"}]}, ("per_job", 200, [200, 400])),
        ("import", 400, {"failed_records": []}, ("aborted", 400, [400, 400])),
        ("import", 413, {}, ("aborted", 413, [413, 413])),
        ("import", 429, {}, ("throttled", 429, [429, 429])),
        ("import", 503, {}, ("retryable", 503, [503, 503])),
        ("import", 504, None, ("retryable", 504, [504, 504])),
        ("engage", 200, {"error": "no"}, ("per_job", 200, [400, 400])),
        ("engage", 200, {"error": ""}, ("success", 200, [200, 200])),
        ("engage", 200, {"error": None, "status": 1}, ("success", 200, [200, 200])),
        ("groups", 200, {"error": "no"}, ("per_job", 200, [400, 400])),
        ("groups", 401, {"error": "no"}, ("aborted", 401, [401, 401])),
        ("engage", 500, {"error": "no"}, ("retryable", 500, [500, 500])),
    ],
)
def test_an_answer_says_what_becomes_of_each_job(
    endpoint: str, status: int, body: Any, expected: tuple[str, int, list[int]]
) -> None:
    verdict = judged(endpoint, Response(status, body))
    each = [one.status for one in verdict.jobs]
    assert (verdict.outcome, verdict.status, each) == expected
