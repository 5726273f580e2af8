"""History anew: rebuilding changes nothing, other rules give what they would have given."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.insights.redefine import Policy, policies, preview, rebuild, redefine

SID = 1772452800000
HALF_HOUR = Policy(1_800_000, 86_400_000)
TEN_MINUTES = Policy(600_000, 3_600_000)


def history(event: Any) -> list[dict[str, Any]]:
    chance = random.Random(7)
    events = []
    for _ in range(300):
        at = chance.randint(0, 40) * 400 + chance.random()
        sid = chance.choice([..., -1, SID, SID + 5_000, SID // 1000 + 3600])
        more = {"userId": chance.choice(["", "", "ann", "bob"]), "delay": chance.choice([0, 7200])}
        events.append(event(at, sid, who=f"v{chance.randint(0, 12)}", **more))
    return events


def test_rebuilding_what_is_there_changes_nothing(shop: Any, event: Any) -> None:
    shop.load(history(event))
    before = shop.tables()
    assert rebuild(shop.connection) == len(before[0])
    assert shop.tables() == before


def test_redefined_history_is_as_if_the_rules_had_always_been_these(
    make_shop: Callable[..., Any], event: Any
) -> None:
    events = history(event)
    shop = make_shop()
    other = make_shop(timeout_ms=TEN_MINUTES.timeout_ms, max_length_ms=TEN_MINUTES.max_length_ms)
    shop.load(events)
    shop.load(events, "app")
    other.load(events)
    redefine(shop.connection, {"shop": TEN_MINUTES})
    # the rank among a person's sessions counts those of all sources
    columns = "* EXCLUDE (person_session_number)"
    assert shop.sessions(columns, "source_id = 'shop'") == other.sessions(columns)
    assert [row for row in shop.tables()[1] if row[0] == "shop"] == other.tables()[1]


def test_a_preview_says_what_would_change_and_changes_nothing(shop: Any, event: Any) -> None:
    shop.load([event(0, SID), event(900, SID), event(0, SID, who="bob-device")])
    before = shop.tables()
    report = preview(shop.connection, {"shop": TEN_MINUTES})
    assert report.rows[0] == ["sessions", 2, 3, 0.5]
    assert report.extra["sessions"] == {"unchanged": 1, "changed": 1, "added": 1, "removed": 0}
    assert shop.tables() == before
    assert policies(shop.connection) == {"shop": HALF_HOUR}


def test_events_after_a_redefinition_go_by_the_new_rules(shop: Any, event: Any) -> None:
    shop.load([event(0, SID)])
    redefine(shop.connection, {"shop": TEN_MINUTES})
    shop.load([event(900, SID)])
    assert len(shop.sessions("1")) == 2


def test_wrong_rules_are_refused_by_name(shop: Any, event: Any) -> None:
    shop.load([event(0, SID)])
    with pytest.raises(InvalidSettings, match="source 'nope' has no events"):
        preview(shop.connection, {"nope": TEN_MINUTES})
    with pytest.raises(InvalidSettings, match="over 0"):
        preview(shop.connection, {"shop": Policy(0, 5)})
