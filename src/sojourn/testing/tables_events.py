"""Events that try a warehouse: every call, late ones, copies, columns that come late."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sojourn.core.ports import Batch
from sojourn.core.source import Source

START_MS = 1_795_518_460_000
SOURCES: Mapping[str, Source] = {
    "web": Source("web", "Web Shop", "key-1"),
    "app": Source("app", "The App", "key-2", platform="android"),
}
_NAMES = ("Product Viewed", "Product Added", "Order Completed", "Select")
_ODD_TEXTS = (
    "quotes \" and ' and `",
    "a\nline,\r\na tab\t, a backslash \\ and \\N",
    "žluťoučký 日本 😀 \u202e",
    "{curly} %s ${x} $1 -- /* */ ;",
    "x" * 3000,
)


def iso(milliseconds: int) -> str:
    """A time as the processor writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table_event(number: int = 0, kind: str = "track", **fields: Any) -> dict[str, Any]:
    """One event as it lies in the log, received `number` seconds after `START_MS`."""
    at = iso(START_MS + 1000 * number)
    event: dict[str, Any] = {
        "type": kind,
        "messageId": f"m{number}",
        "anonymousId": "a1",
        "rudderId": "r",
        "receivedAt": at,
        "request_ip": "203.0.113.9",
        "originalTimestamp": at,
        "sentAt": at,
        "timestamp": at,
        "channel": "web",
        "context": {"sessionId": START_MS, "page": {"path": "/"}, "locale": "de"},
    }
    if kind == "track":
        event["event"] = "Added"
    return {**event, **fields}


def in_batch(*events: Any, source_id: str = "web") -> Batch:
    """Events (dictionaries, or lines as they are) as one batch."""
    lines = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
    return Batch(source_id, START_MS, lines)


def visits(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Events of several visitors, in order; each column has one type, whoever comes first."""
    dice = random.Random(seed)
    return [_visit_event(number, dice) for number in range(count)]


def _visit_event(number: int, dice: random.Random) -> dict[str, Any]:
    person = dice.randrange(5)
    kind = dice.choice(("track", "track", "track", "page", "screen", "identify", "group", "alias"))
    fields: dict[str, Any] = {
        "anonymousId": f"anonymous-{person}",
        "userId": f"user-{person}" if dice.random() < 0.6 or kind == "identify" else "",
        "context": {
            "sessionId": START_MS + 1000 * (number // 10),
            "page": {"path": f"/{number}", "title": dice.choice(_ODD_TEXTS)},
            "library": {"name": "suite", "version": f"1.{number}"},
        },
    }
    properties = {
        "sku": f"sku-{number}",
        "price": number + 0.25,
        "quantity": number,
        "gift": number % 2 == 0,
        "due": iso(START_MS + 86_400_000 * number),
        "tags": ["a", number],
        "delivery": {"street": dice.choice(_ODD_TEXTS), "floor": number % 7},
        f"late {number // 20}": f"only since {number // 20}",
    }
    kept = {key: value for key, value in properties.items() if dice.random() < 0.8}
    if kind == "track":
        fields |= {"event": dice.choice(_NAMES), "properties": kept}
    elif kind in ("page", "screen"):
        fields |= {"name": f"Name {number % 3}", "properties": kept}
    elif kind == "identify":
        traits = {"email": f"{number}@example.com", "plan": f"plan {number}", "age": number}
        traits[f"trait_{number // 20}"] = f"since {number // 20}"
        fields["traits"] = {key: value for key, value in traits.items() if dice.random() < 0.6}
    elif kind == "group":
        fields |= {"groupId": f"g{person}", "traits": {"employees": number}}
    else:
        fields["previousId"] = f"old-{person}"
    return table_event(number, kind, **fields)


def in_pieces(events: Sequence[dict[str, Any]], sizes: Sequence[int]) -> list[list[Batch]]:
    """The events as loads of about these sizes, over and over; the sources by turns."""
    loads: list[list[Batch]] = []
    start = 0
    while start < len(events):
        size = sizes[len(loads) % len(sizes)]
        loads.append(of_both_sources(events[start : start + size]))
        start += size
    return loads


def of_both_sources(events: Sequence[dict[str, Any]]) -> list[Batch]:
    """One load: each event belongs to the source that its number says."""
    by_source: dict[str, list[dict[str, Any]]] = {"web": [], "app": []}
    for event in events:
        number = int(event["messageId"].lstrip("m"))
        by_source["app" if number % 4 == 0 else "web"].append(event)
    return [in_batch(*some, source_id=name) for name, some in by_source.items() if some]
