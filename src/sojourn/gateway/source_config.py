"""`/sourceConfig`: what SDKs for browsers and phones ask before they send anything."""

from __future__ import annotations

import json
from typing import Any

from sojourn.core.source import Source


def source_config(source: Source, updated_at: str) -> bytes:
    """The answer that satisfies JavaScript, Android, iOS, Kotlin, Swift and Flutter.

    Each of them needs other keys, and Swift voids an answer that lacks a single one. No
    destinations: all delivery is the server's. No `dataplanes`: they would override the
    app's own URL. Error reports off: they would be posted to `/rsaMetrics`.
    """
    off = {"enabled": False}
    body: dict[str, Any] = {
        "source": {
            "id": source.id,
            "name": source.name,
            "writeKey": source.write_key,
            "workspaceId": "sojourn",
            "enabled": source.enabled,
            "updatedAt": updated_at,
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "destinations": [],
            "connections": [],
        },
        "updatedAt": updated_at,
    }
    return json.dumps(body, separators=(",", ":")).encode()
