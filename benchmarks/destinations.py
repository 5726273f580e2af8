"""How fast events become requests: from the log's bytes to the request body.

Prints, for Amplitude and Mixpanel, the events per CPU second and the cost as a multiple of
decoding and encoding the same events with msgspec in the same run.

    python benchmarks/destinations.py
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.request import Job

BATCH = 500
ROUNDS = 24
AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{version}.0.0.0 Safari/537.36"
    for version in range(100, 132)
]


def web(index: int) -> dict[str, Any]:
    """The context of a browser."""
    return {
        "app": {
            "name": "RudderLabs JavaScript SDK",
            "namespace": "com.rudderlabs.javascript",
            "version": "3.7.2",
            "installType": "npm",
        },
        "library": {"name": "RudderLabs JavaScript SDK", "version": "3.7.2"},
        "locale": "en-US",
        "timezone": "GMT+0200",
        "screen": {"density": 2, "width": 1512, "height": 982, "innerWidth": 1512},
        "page": {
            "path": "/pricing",
            "referrer": "https://www.google.com/",
            "title": "Pricing",
            "search": "?utm_source=newsletter",
            "url": "https://shop.example.com/pricing",
            "initial_referrer": "$direct",
            "initial_referring_domain": "",
        },
        "campaign": {"source": "newsletter", "medium": "email", "name": "summer"},
        "userAgent": AGENTS[index % len(AGENTS)],
        "os": {"name": "", "version": ""},
        "traits": {"plan": "pro", "email": "ada@example.com"},
        "sessionId": 1718357415123,
    }


def event(index: int) -> dict[str, Any]:
    """One of the six calls, in turn."""
    kind = ("track", "page", "identify", "screen", "group", "alias")[index % 6]
    body: dict[str, Any] = {
        "channel": "web",
        "type": kind,
        "context": web(index),
        "messageId": str(uuid.UUID(int=index)),
        "anonymousId": f"anonymous-{index % 97}",
        "userId": f"user-{index % 97}",
        "originalTimestamp": "2026-06-14T09:30:15.123Z",
        "sentAt": "2026-06-14T09:30:15.200Z",
        "timestamp": "2026-06-14T09:30:15.123Z",
        "receivedAt": "2026-06-14T09:30:16.001Z",
        "request_ip": "198.51.100.23",
        "integrations": {"All": True},
    }
    if kind == "track":
        body |= {
            "event": "Product Viewed",
            "properties": {
                "product_id": "sku-42",
                "name": "Blue Shirt",
                "price": 19.99,
                "currency": "EUR",
                "tags": ["new", "cotton"],
                "in_stock": True,
            },
        }
    elif kind in ("page", "screen"):
        body |= {"name": "Pricing", "properties": {"path": "/pricing", "category": "Marketing"}}
    elif kind == "identify":
        body["traits"] = {
            "email": "ada@example.com",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "plan": "pro",
            "age": 36,
            "address": {"city": "London"},
        }
    elif kind == "group":
        body |= {"groupId": "org-77", "traits": {"company": "AE", "industry": "Computing"}}
    else:
        body["previousId"] = f"old-{index}"
    return body


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least CPU time of one call among several."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Measure and print."""
    lines = [msgspec.json.encode(event(index)) for index in range(BATCH)]
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode

    def floor() -> None:
        for line in lines:
            encode(decode(line))

    def transformed(destination: Any) -> Callable[[], None]:
        def work() -> None:
            jobs = [Job(i, decode(line), person=str(i % 97)) for i, line in enumerate(lines)]
            for dispatch in destination.plan(jobs):
                for request in dispatch.requests:
                    encode(request.body.value)

        return work

    base = cpu_seconds(floor) / BATCH
    print(f"msgspec decode and encode: {base * 1e6:.2f} us an event of {len(lines[0])} bytes")
    for name, destination in {
        "amplitude": Amplitude(
            {"apiKey": "k", "groupTypeTrait": "company", "groupValueTrait": "industry"}
        ),
        "mixpanel": Mixpanel({"token": "t", "groupKeySettings": [{"groupKey": "company"}]}),
    }.items():
        cost = cpu_seconds(transformed(destination)) / BATCH
        print(
            f"{name}: {cost * 1e6:.2f} us an event, {1 / cost:,.0f} events per CPU second, "
            f"{cost / base:.1f} times the floor (target: at most 8)"
        )


if __name__ == "__main__":
    main()
