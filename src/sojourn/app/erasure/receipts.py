"""Erasures as the console shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.app.erasure.erasures import Erasures
from sojourn.app.erasure.jobs import Receipt

_SHOWN = 20


def shown_erasures(erasures: Erasures) -> Sequence[Mapping[str, Any]]:
    """The erasures under way and the latest receipts, the newest first; see the console's
    `server_pages.Erasures`."""
    under_way = [
        {
            "at": one["requested_at"],
            "users": one["users"],
            "by": one["by"],
            "deleted": "",
            "state": (one["failed"] and f"waits: {one['failed']}") or one["step"],
            "open": True,
        }
        for one in reversed(erasures.open_jobs())
    ]
    return [*under_way, *map(_finished, reversed(erasures.receipts()[-_SHOWN:]))]


def _finished(receipt: Receipt) -> dict[str, Any]:
    failed = [place for place in receipt.places if place.state != "done"]
    why = "; ".join(f"{place.kind} {place.name}: {place.reason}" for place in failed)
    return {
        "at": receipt.requested_at,
        "users": receipt.users,
        "by": receipt.by,
        "deleted": sum(count for place in receipt.places for count in place.deleted.values()),
        "state": "done" if receipt.complete else f"not complete: {why}",
        "open": False,
    }
