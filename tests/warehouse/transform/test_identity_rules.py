"""Rows that say which ids belong to one person."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sojourn.warehouse.transform import Transformer, UnusableEvent


def rules(provider: str, **event: Any) -> list[dict[str, Any]]:
    found = Transformer(provider, id_resolution=True).rows({"messageId": "m", **event})
    return [row.values for row in found if row.merge_rule]


def pair(*properties: tuple[str, str]) -> dict[str, str]:
    row = {}
    for number, (kind, value) in enumerate(properties, 1):
        row |= {f"merge_property_{number}_type": kind, f"merge_property_{number}_value": value}
    return row


@pytest.mark.parametrize("kind", ["identify", "page", "screen", "group"])
def test_a_call_ties_both_its_ids(kind: str) -> None:
    both = pair(("anonymous_id", "a"), ("user_id", "u"))
    assert rules("bigquery", type=kind, anonymousId="a", userId="u") == [both]
    assert rules("bigquery", type=kind, userId="u") == [pair(("user_id", "u"))]
    assert rules("bigquery", type=kind, anonymousId="a") == [pair(("anonymous_id", "a"))]
    assert rules("bigquery", type=kind) == []


def test_a_track_has_a_rule_only_with_a_table_of_its_own() -> None:
    assert rules("bigquery", type="track", event="E", userId=7) == [pair(("user_id", "7"))]
    assert rules("bigquery", type="track", event="", userId="u") == []


def test_an_alias_ties_the_old_id_to_the_new() -> None:
    tied = pair(("user_id", "new"), ("user_id", "old"))
    assert rules("bigquery", type="alias", userId="new", previousId="old") == [tied]
    assert rules("bigquery", type="alias", previousId="old") == []


def test_a_rule_of_identify_stands_before_users() -> None:
    rows = Transformer("snowflake", id_resolution=True).rows({"type": "identify", "userId": "u"})
    names = [row.table for row in rows]
    assert names == ["IDENTIFIES", "RUDDER_IDENTITY_MERGE_RULES", "USERS"]
    assert "UUID_TS" not in rows[1].types


def test_only_snowflake_and_bigquery_have_rules_and_only_on_request() -> None:
    assert rules("postgres", type="page", userId="u") == []
    assert rules("postgres", type="merge") == []
    (row,) = Transformer("bigquery").rows({"type": "page", "userId": "u"})
    assert not row.merge_rule


def test_a_merge_event_is_nothing_but_a_rule() -> None:
    ids = [{"type": "email", "value": "a@b.c"}, {"type": "crm", "value": 12.0}]
    tied = pair(("email", "a@b.c"), ("crm", "12"))
    assert rules("bigquery", type="merge", mergeProperties=ids) == [tied]


@pytest.mark.parametrize(
    "properties",
    [
        None,
        "x",
        [],
        [{"type": "email", "value": "a"}],
        [{"type": "email", "value": "a"}, "x"],
        [{"type": "email", "value": "a"}, {"type": "crm", "value": ""}],
    ],
)
def test_a_merge_event_without_two_ids_is_refused(properties: Any) -> None:
    with pytest.raises(UnusableEvent, match="mergeProperties"):
        rules("snowflake", type="merge", mergeProperties=properties)


def test_an_id_too_long_for_its_index_gives_way_to_a_generated_one() -> None:
    longest = "u" * (512 - len("user_id"))
    for fits in (longest, "ü" * (len(longest) // 2)):
        assert rules("bigquery", type="page", userId=fits) == [pair(("user_id", fits))]
    long = [longest + "u", "ü" * (len(longest) // 2 + 1), "😀" * 2_000]
    generated = []
    for value in long:
        (row,) = rules("bigquery", type="page", userId=value, anonymousId="a")
        assert row["merge_property_1_value"] == "a"
        assert re.fullmatch("[0-9a-f]{32}", row["merge_property_2_value"])
        generated.append(row["merge_property_2_value"])
        (alias,) = rules("bigquery", type="alias", userId="u", previousId=value)
        assert alias["merge_property_2_value"] == generated[-1], "rules about one id still meet"
    assert len(set(generated)) == len(long)
