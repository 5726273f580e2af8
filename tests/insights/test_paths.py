"""The index of paths is what a full build makes of the events, whatever came before."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from sojourn.insights import paths
from sojourn.insights.erasing import erase_sessions
from sojourn.insights.redefine import Policy, preview, rebuild, redefine

SID = 1772452800000
INDEX = ("session_paths", "path_kinds")


def history(event: Any, chance: random.Random, count: int = 150) -> list[dict[str, Any]]:
    events = []
    for _ in range(count):
        at = chance.randint(0, 40) * 400 + chance.random()
        sid = chance.choice([..., -1, SID, SID + 5_000, SID // 1000 + 3600])
        more: dict[str, Any] = {
            "who": f"v{chance.randint(0, 12)}",
            "delay": chance.choice([0, 7200]),
        }
        more["userId"] = chance.choice(["", "", "ann", "bob"])
        if chance.random() < 0.4:
            name = chance.choice(["Product Added", "Button Clicked", "Error Shown"])
            events.append(event.track(at, name, sid, properties={"id": "buy"}, **more))
        else:
            events.append(event(at, sid, page=f"p{chance.randint(0, 4)}", **more))
    return events


def index(shop: Any) -> list[list[Any]]:
    return [shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in INDEX]


def built(shop: Any) -> list[list[Any]]:
    """The index that the stored events give, the kept one as before."""
    shop.connection.execute("BEGIN")
    for table in INDEX:
        shop.connection.execute(f"DROP TABLE {table}")
    paths.prepare(shop.connection)
    found = index(shop)
    shop.connection.execute("ROLLBACK")
    return found


@pytest.mark.parametrize("seed", range(6))
def test_after_any_loads_the_index_is_what_a_full_build_gives(
    shop: Any, event: Any, seed: int
) -> None:
    chance = random.Random(seed)
    events = history(event, chance)
    earlier = [{**one, "receivedAt": one["timestamp"], "event": "Renamed"} for one in events[:20]]
    again = events + events[40:60] + earlier
    chance.shuffle(again)
    while again:
        batch = [again.pop() for _ in range(min(len(again), chance.randint(1, 60)))]
        shop.load(batch, chance.choice(["shop", "app"]))
        assert index(shop) == built(shop)


def test_a_path_says_what_each_event_was_and_when(shop: Any, event: Any) -> None:
    shop.load([
        event(0, SID, page="home"), event(5, SID, page="home"), event(6, SID, kind="identify"),
        event.track(7.25, "Button Clicked", SID), event(9, SID, page="cart"),
    ])  # fmt: skip
    assert shop.rows("SELECT at_ms, first_ms FROM session_paths") == [
        ([0, 5000, 6000, 7250, 9000], SID)
    ]
    assert shop.rows(
        "SELECT list(k.node ORDER BY u.place) FROM (SELECT unnest(kinds) AS kind, "
        "generate_subscripts(kinds, 1) AS place FROM session_paths) AS u "
        "JOIN path_kinds AS k ON k.kind = u.kind"
    ) == [(["shop.example/home"] * 2 + [None, "Button Clicked", "shop.example/cart"],)]
    assert shop.rows("SELECT len(views), len(steps) FROM session_paths") == [(2, 3)]
    wrong = "(kind & 1 = 1) <> is_view OR (kind & 2 = 2) <> is_click OR (kind & 4 = 4) <> is_error"
    assert shop.rows(
        f"SELECT * FROM path_kinds WHERE {wrong} OR (kind & 8 = 8) <> (node IS NOT NULL)"
    ) == []  # fmt: skip


def test_other_rules_and_previews_leave_the_index_that_they_should(
    make_shop: Callable[..., Any], event: Any
) -> None:
    shop = make_shop()
    events = history(event, random.Random(7))
    shop.load(events)
    shop.load(events, "app")
    before = index(shop)
    rules = {"shop": Policy(600_000, 3_600_000)}
    preview(shop.connection, rules)
    assert index(shop) == before
    redefine(shop.connection, rules)
    assert index(shop) == built(shop) != before
    other = make_shop(timeout_ms=600_000, max_length_ms=3_600_000)
    other.load(events)
    mine = "SELECT * FROM session_paths WHERE source_id = 'shop' ORDER BY ALL"
    assert shop.rows(mine) == other.rows(mine)


def test_an_erased_person_leaves_no_path_and_no_kind(
    make_shop: Callable[..., Any], event: Any
) -> None:
    events = history(event, random.Random(3))
    events.append(event.track(50, "Secret of v3", SID, who="v3"))
    gone = {("shop", one["messageId"]) for one in events if one["anonymousId"] == "v3"}
    shop, without = make_shop(), make_shop()
    shop.load(events)
    assert shop.rows("SELECT count(*) FROM path_kinds WHERE name = 'Secret of v3'") == [(1,)]
    erase_sessions(shop.connection, gone)
    without.load([one for one in events if one["anonymousId"] != "v3"])
    assert index(shop) == index(without) == built(shop)


def test_a_database_without_the_index_gets_it_in_full(shop: Any, event: Any) -> None:
    shop.load(history(event, random.Random(1)))
    expected = index(shop)
    shop.connection.execute("DROP TABLE session_paths")
    shop.connection.execute("ALTER TABLE path_kinds DROP COLUMN step")
    shop.model.prepare(shop.connection)
    assert index(shop) == expected
    shop.connection.execute("UPDATE path_kinds SET kind = 16")  # as of another hash
    shop.model.prepare(shop.connection)
    assert index(shop) == expected


def test_a_fill_in_shares_gives_the_same_index(
    shop: Any, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load(history(event, random.Random(1)))
    expected = index(shop)
    monkeypatch.setattr(paths, "_EVENTS_AT_ONCE", 20)
    assert built(shop) == expected


def test_a_rebuild_makes_an_index_whole_that_is_not(shop: Any, event: Any) -> None:
    shop.load(history(event, random.Random(1)))
    expected = index(shop)
    shop.connection.execute("DELETE FROM session_paths WHERE len(kinds) > 1")
    rebuild(shop.connection)
    assert index(shop) == expected
