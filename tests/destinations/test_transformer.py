"""Destinations of a transformer service: its formats, its answers, its absence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry
from sojourn.destinations.transformer import Transformer
from sojourn.testing.destination_suite import sample_event
from sojourn.testing.stub_far_end import Answer, Seen, StubFarEnd

Service = Callable[[Seen, str], Any]


def made(host: str, **more: Any) -> dict[str, Any]:
    return {
        "version": "1",
        "type": "REST",
        "method": "POST",
        "endpoint": f"http://{host}/vendor",
        "headers": {"X-Vendor": "v"},
        "params": {"q": 1},
        "body": {"JSON": {}, "JSON_ARRAY": {}, "XML": {}, "FORM": {}},
        "files": {},
        **more,
    }


async def deliver(
    service: Service, events: list[Mapping[str, Any]], **settings: Any
) -> tuple[list[Outcome], list[Seen]]:
    """Deliver through a service; the vendor answers by path, the rest is `seen`."""

    def answer(seen: Seen) -> Answer:
        if seen.path == "/vendor":
            return Answer(400 if b"bad" in seen.raw else 200)
        told = service(seen, seen.headers["host"])
        return told if isinstance(told, Answer) else Answer(body=told)

    async with StubFarEnd(answer) as far:
        options = {"url": far.url, "destination": "Slack", "config": {"k": "v"}, **settings}
        destination = Transformer.from_settings(options)
        outcomes = list(await destination.deliver(events))
        await destination.close()
        return outcomes, far.seen


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ({"JSON": {"a": 1}}, "json", {"a": 1}),
        ({"JSON_ARRAY": {"batch": '[{"a":1}]'}}, "json", [{"a": 1}]),
        ({"FORM": {"a": "1", "b": {"c": 2}}}, "form", {"a": 1, "b": {"c": 2}}),
        ({"XML": {"payload": "<a/>"}}, "text", "<a/>"),
        ({"GZIP": {"payload": '{"a":1}'}}, "json", {"a": 1}),
    ],
)
async def test_every_kind_of_body_is_sent(body: Any, kind: str, expected: Any) -> None:
    def service(seen: Seen, host: str) -> Any:
        one = seen.body["input"][0]
        return {
            "output": [
                {
                    "batchedRequest": made(host, body=body),
                    "metadata": [one["metadata"]],
                    "statusCode": 200,
                }
            ]
        }

    outcomes, seen = await deliver(service, [sample_event(1)])
    assert outcomes == [Delivered()]
    assert seen[0].path == "/routerTransform"
    asked = seen[0].body
    assert asked["destType"] == "slack"
    assert asked["input"][0]["destination"]["Config"] == {"k": "v"}
    assert asked["input"][0]["message"]["messageId"] == sample_event(1)["messageId"]
    assert seen[1].path == "/vendor"
    assert seen[1].query == {"q": "1"}
    assert seen[1].headers["x-vendor"] == "v"
    assert seen[1].body == expected


async def test_the_processor_format_gives_several_requests_or_an_error_per_event() -> None:
    def service(seen: Seen, host: str) -> Any:
        first, second, third = seen.body
        return [
            {"output": made(host), "metadata": first["metadata"], "statusCode": 200},
            {"output": made(host), "metadata": first["metadata"], "statusCode": 200},
            {"error": "no name", "metadata": second["metadata"], "statusCode": 400},
            {"metadata": third["metadata"], "statusCode": 298},
        ]

    events = [sample_event(number) for number in range(3)]
    outcomes, seen = await deliver(service, events, router=False)
    assert [one.path for one in seen] == ["/v0/destinations/slack", "/vendor", "/vendor"]
    assert outcomes[0] == Delivered()
    assert isinstance(outcomes[1], Rejected)
    assert "no name" in outcomes[1].why
    assert outcomes[2] == Delivered()


async def test_events_of_a_refused_request_are_tried_one_by_one() -> None:
    def service(seen: Seen, host: str) -> Any:
        rows = [one["metadata"] for one in seen.body["input"]]
        request = made(host, body={"JSON": {"it is": "bad"}})
        return {"output": [{"batchedRequest": request, "metadata": rows, "statusCode": 200}]}

    outcomes, _ = await deliver(service, [sample_event(1), sample_event(2)])
    assert [type(one) for one in outcomes] == [Retry, Retry]
    assert all(isinstance(one, Retry) and one.alone for one in outcomes)
    outcomes, _ = await deliver(service, [sample_event(1)])
    assert [type(one) for one in outcomes] == [Rejected]


async def test_the_service_may_send_the_requests_itself() -> None:
    def service(seen: Seen, host: str) -> Any:
        if seen.path == "/routerTransform":
            rows = [one["metadata"] for one in seen.body["input"]]
            return {"output": [{"batchedRequest": made(host), "metadata": rows, "statusCode": 200}]}
        statuses = [200, 500, 400]
        states = [
            {"statusCode": status, "error": "e", "metadata": row}
            for status, row in zip(statuses, seen.body["metadata"], strict=True)
        ]
        return {"output": {"status": 207, "message": "m", "response": states}}

    events = [sample_event(number, person=str(number)) for number in range(3)]
    outcomes, seen = await deliver(service, events, proxy=True)
    assert [one.path for one in seen] == ["/routerTransform", "/v1/destinations/slack/proxy"]
    order = seen[1].body
    assert order["endpoint"].endswith("/vendor")
    assert order["destinationConfig"] == {"k": "v"}
    assert [type(one) for one in outcomes] == [Delivered, Retry, Rejected]


@pytest.mark.parametrize(
    "answer", [Answer(500), Answer(404), Answer(body={"odd": 1}), Answer(fault="reset")]
)
async def test_a_service_that_is_away_or_broken_is_tried_again(answer: Answer) -> None:
    outcomes, _ = await deliver(lambda seen, host: answer, [sample_event(1)])
    assert [type(one) for one in outcomes] == [Retry]


async def test_an_event_that_the_service_forgets_is_not_lost_silently() -> None:
    outcomes, _ = await deliver(lambda seen, host: {"output": []}, [sample_event(1)])
    assert isinstance(outcomes[0], Rejected)
    assert "no answer" in outcomes[0].why
