"""The client plays the recorded scripts of the official SDKs, and shows what they showed.

The session machine is held to every recording elsewhere; this holds the client to them: its
store, its short cut for usual events, its lifecycle. Scenarios that need what the client has no
call for (odd types of JavaScript, consent, a caller's own session keys, …) are left out by the
first step that needs it, and counted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[1] / "vectors"
PHONES = ["android", "ios", "ios-v2", "react-native", "flutter", "kotlin", "swift"]


def scenarios(platform: str) -> list[dict[str, Any]]:
    lines = (VECTORS / f"{platform}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("look_every_ms", [0, None], ids=["every event", "short cut"])
@pytest.mark.parametrize(
    ("platform", "least"),
    [(p, 85) for p in PHONES if p != "ios-v2"] + [("ios-v2", 18), ("web", 60)],
)
def test_the_client_shows_what_the_official_sdk_showed(
    playing: Any, platform: str, least: int, look_every_ms: int | None
) -> None:
    if platform == "web" and look_every_ms is None:
        tabs = [s for s in scenarios("web") if len({t.get("tab") for t in s["steps"]}) == 1]
        clears = [s for s in tabs if any(t["do"] == "clear_storage" for t in s["steps"])]
        whole = sum(playing.play(s, None) for s in tabs if s not in clears)
        least = 40
    else:
        whole = sum(playing.play(scenario, look_every_ms) for scenario in scenarios(platform))
    assert whole >= least
