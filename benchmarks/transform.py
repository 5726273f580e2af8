"""Events to warehouse rows: CPU microseconds an event, beside decoding and encoding it.

Run: `python benchmarks/transform.py`. The floor is msgspec decoding the event and encoding it
again, in the same run. Prints one line per kind of event.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from sojourn.warehouse.transform import Origin, Transformer

EVENTS = 4_000
ROUNDS = 5
ORIGIN = Origin("src-1", "JavaScript", "", "dst-1", "2026-11-24T09:30:16.001Z")


def context(number: int) -> dict[str, Any]:
    """The context that RudderStack's JavaScript SDK sends."""
    page = f"https://shop.example.com/products/{number % 997}"
    return {
        "app": {"name": "Shop", "namespace": "com.example.shop", "version": "3.7.2"},
        "library": {"name": "RudderLabs JavaScript SDK", "version": "3.7.2"},
        "locale": "en-US",
        "timezone": "GMT+0200",
        "screen": {
            "density": 2,
            "width": 1512,
            "height": 982,
            "innerWidth": 1400 + number % 100,
            "innerHeight": 823,
        },
        "page": {
            "path": f"/products/{number % 997}",
            "referrer": "https://www.google.com/",
            "referring_domain": "www.google.com",
            "search": "",
            "title": f"Product {number % 997}",
            "url": page,
            "tab_url": page,
            "initial_referrer": "$direct",
            "initial_referring_domain": "",
        },
        "campaign": {"source": "newsletter", "medium": "email", "name": "summer"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/125.0.0.0",
        "os": {"name": "", "version": ""},
        "sessionId": 1_718_357_000_000 + number // 20,
        "sessionStart": number % 20 == 0,
    }


def event(number: int, extra: int = 0) -> dict[str, Any]:
    """A track call of the web; `extra` more properties make it larger."""
    at = f"2026-11-24T09:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1000:03d}Z"
    properties: dict[str, Any] = {
        "product_id": f"sku-{number % 997}",
        "name": f"Product {number % 997}",
        "price": 19.99 + number % 50,
        "currency": "EUR",
        "tags": ["new", "cotton"],
        "in_stock": True,
        "position": number % 40,
    }
    properties |= {f"extra_{i}": f"a value of some length {number} {i}" for i in range(extra)}
    return {
        "channel": "web",
        "context": context(number),
        "type": "track",
        "messageId": f"{number:08x}-aa67-4571-8271-926f47d37947",
        "anonymousId": f"ef56d61d-9440-4b16-8b9f-{number // 20:012x}",
        "userId": f"user-{number // 20}",
        "originalTimestamp": at,
        "sentAt": at,
        "timestamp": at,
        "receivedAt": at,
        "request_ip": "198.51.100.23",
        "integrations": {"All": True},
        "rudderId": "3fdbd806-2d62-4477-8fb4-2f892b4a2be9",
        "event": "Product Viewed",
        "properties": properties,
    }


def microseconds(work: Callable[[], None]) -> float:
    """CPU time of the fastest of some rounds, per event."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / EVENTS * 1e6


def measure(title: str, provider: str, events: list[dict[str, Any]]) -> None:
    """Print one line: columns, bytes, the floor and the transformation."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    encoder = msgspec.json.Encoder()
    lines = [encoder.encode(event) for event in events]
    transformer = Transformer(provider)

    def floor() -> None:
        for line in lines:
            encoder.encode(decoder.decode(line))

    def transform() -> None:
        for entry in events:
            transformer.rows(entry, ORIGIN)

    columns = len(transformer.rows(events[0], ORIGIN)[-1].values)
    size = sum(map(len, lines)) / len(lines)
    least, mine = microseconds(floor), microseconds(transform)
    print(
        f"{title:<22}{provider:<11}{columns:>4} columns {size:>6.0f} bytes"
        f"  decode+encode {least:>6.1f} us  rows {mine:>6.1f} us  ratio {mine / least:>4.1f}"
    )


def main() -> None:
    """Measure typical and large events for some providers."""
    typical = [event(number) for number in range(EVENTS)]
    large = [event(number, extra=15) for number in range(EVENTS)]
    page = [{**event(number), "type": "page", "name": "Product"} for number in range(EVENTS)]
    for provider in ("duckdb", "snowflake", "redshift"):
        measure("track", provider, typical)
        measure("track, large", provider, large)
    measure("page", "duckdb", page)


if __name__ == "__main__":
    main()
