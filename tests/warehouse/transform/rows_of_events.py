"""An event, and the rows that it gives."""

from __future__ import annotations

from typing import Any

from sojourn.warehouse.transform import Origin, Transformer

ORIGIN = Origin("source-1", "Python", "", "dest-1", "2026-05-06T07:08:09.010Z")


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "messageId": "m-1",
        "anonymousId": "anon-1",
        "userId": "ada",
        "channel": "server",
        "receivedAt": "2026-05-06T07:00:01.000Z",
        "originalTimestamp": "2026-05-06T07:00:00.000Z",
        "context": {"sessionId": 1777777777, "library": {"name": "sojourn"}},
        **fields,
    }


def rows(given: dict[str, Any], provider: str = "duckdb", **options: Any) -> list[Any]:
    return Transformer(provider, options).rows(given, ORIGIN)
