"""Orders at Amplitude, joined calls, and what an answer means for each job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.request import Body, Job, Request, Response

from .amplitude_calls import body, event, requests, sent

REVENUE_FIELDS = ("revenue", "price", "quantity", "productId", "revenueType")


@pytest.mark.parametrize(
    ("properties", "root", "rest"),
    [
        ({"revenue": 9}, [9, 9, 1, None, "Purchased"], {}),
        ({"revenue": 0}, [0, 0, 1, None, "Purchased"], {}),
        ({"revenue": "9.5"}, ["9.5", "9.5", 1, None, "Purchased"], {}),
        ({"revenue": 9, "quantity": 3}, [9, 9, 1, None, "Purchased"], {}),
        ({"revenue": 9, "price": 3, "quantity": 3}, [9, 3, 3, None, "Purchased"], {}),
        ({"revenue": 9, "price": 3, "quantity": 0}, [9, 3, 1, None, "Purchased"], {}),
        ({"revenue": 9, "price": 0}, [9, 0, 1, None, "Purchased"], {}),
        (
            {"revenue": 9, "product_id": "p", "revenueType": "A", "revenue_type": "B"},
            [9, 9, 1, "p", "A"],
            {"revenueType": "A", "revenue_type": "B"},
        ),
        ({"revenue": 9, "revenue_type": "B"}, [9, 9, 1, None, "B"], {"revenue_type": "B"}),
        ({"revenue": None, "price": 3}, [None] * 5, {"revenue": None, "price": 3}),
        ({"price": 3, "quantity": 2}, [None] * 5, {"price": 3, "quantity": 2}),
    ],
)
def test_revenue_stands_at_the_root(properties: Any, root: list[Any], rest: Any) -> None:
    found = sent(event(properties=properties, traits={"price": 99}))
    assert [found.get(name) for name in REVENUE_FIELDS] == root
    assert found["event_properties"] == rest


@pytest.mark.parametrize("per_product", [None, False, True])
@pytest.mark.parametrize("once", [None, False, True])
def test_an_order_is_divided_as_the_two_settings_say(per_product: Any, once: Any) -> None:
    products = [{"product_id": "a", "price": 2}, {"product_id": "b", "revenue": 5}]
    config = {}
    if per_product is not None:
        config["trackRevenuePerProduct"] = per_product
    if once is not None:
        config["trackProductsOnce"] = once
    made = requests(event(properties={"revenue": 7, "products": products}), **config)
    events = [body(request)["events"][0] for request in made]
    assert ("revenue" in events[0]) is (per_product is False)
    assert ("products" in events[0]["event_properties"]) is (once is not False)
    assert len(events) == (3 if per_product is True or once is False else 1)
    for count, found in enumerate(events[1:], 1):
        assert found["event_type"] == "Product Purchased"
        assert found["insert_id"] == f"message-1-{count}"
        assert ("price" in found) is (per_product is True)
    if len(events) == 3:
        priced = per_product is True
        assert events[1].get("revenue") is None
        assert events[1].get("price") == (2 if priced else None)
        assert events[2].get("revenue") == (5 if priced else None)
        assert events[2].get("price") == (5 if priced else None)
        left = [found["event_properties"] for found in events[1:]]
        assert left == ([{}, {}] if priced else products)


def test_revenue_with_a_type_stands_at_the_root_in_any_case() -> None:
    properties = {"revenue": 7, "revenue_type": "t", "price": 3, "products": [{"product_id": "a"}]}
    found = sent(event(properties=properties, traits={"price": 99}))
    assert [found.get(name) for name in REVENUE_FIELDS] == [7, 99, None, None, "t"]
    assert found["event_properties"] == properties
    page = sent(event("page", name="n", properties=properties))
    assert not any(name in page for name in REVENUE_FIELDS)


def jobs(*events: Mapping[str, Any], alone: int = 0) -> list[Job]:
    return [Job(number, one, number == alone) for number, one in enumerate(events, 1)]


def test_the_router_joins_each_users_events_and_nothing_else() -> None:
    destination = Amplitude({"apiKey": "k", "residencyServer": "EU"}, max_events=2)
    given = jobs(
        event(),
        event("page", name="n"),
        event("alias", previousId="p"),
        event("identify"),
        event(userId=None),
        event(userId=None),
        event(userId="lone"),
        event("group", integrations={"Amplitude": {"groups": {"g": 1}}}),
        event("x"),
    )
    made = destination.arranged(given, lambda job: destination.requests(job.event))
    found = {tuple(one.jobs): [request.url for request in one.requests] for one in made}
    host = "https://api.eu.amplitude.com"
    assert found == {
        (1, 2): [f"{host}/batch"],
        (3,): [f"{host}/usermap"],
        (4,): [f"{host}/2/httpapi"],
        (5, 6): [f"{host}/batch"],
        (7,): [f"{host}/2/httpapi"],
        (8,): [f"{host}/2/httpapi", f"{host}/groupidentify"],
        (9,): [],
    }
    joined = next(one for one in made if tuple(one.jobs) == (1, 2))
    assert body(joined.requests[0])["options"] == {"min_id_length": 1}


def test_a_job_that_must_stay_alone_is_not_joined() -> None:
    destination = Amplitude({"apiKey": "k"})
    given = jobs(event(), event(), event(), alone=2)
    made = destination.arranged(given, lambda job: destination.requests(job.event))
    assert sorted(tuple(one.jobs) for one in made) == [(1, 3), (2,)]


@pytest.mark.parametrize(
    ("status", "alone", "outcome", "told", "each"),
    [
        (200, (False, False), "success", 200, [200, 200]),
        (204, (False,), "success", 204, [200]),
        (500, (False, False), "retryable", 500, [500, 500]),
        (503, (False,), "retryable", 500, [500]),
        (504, (True,), "retryable", 500, [500]),
        (429, (False, False), "throttled", 429, [429, 429]),
        (400, (False,), "aborted", 400, [400]),
        (413, (False,), "aborted", 400, [400]),
        (400, (False, False), "per_job", 400, [500, 500]),
        (413, (False, True), "per_job", 413, [500, 400]),
    ],
)
def test_an_answer_says_what_becomes_of_each_job(
    status: int, alone: tuple[bool, ...], outcome: str, told: int, each: list[int]
) -> None:
    request = Request("POST", "https://api2.amplitude.com/batch", Body({}))
    given = [Job(number, {}, one) for number, one in enumerate(alone)]
    verdict = Amplitude({"apiKey": "k"}).judge(request, Response(status), given)
    assert (verdict.outcome, verdict.status) == (outcome, told)
    assert [one.status for one in verdict.jobs] == each
    assert all(one.alone for one in verdict.jobs) or outcome != "per_job"
