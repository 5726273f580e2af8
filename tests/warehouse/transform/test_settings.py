"""The settings of a destination, and the options an event carries."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.warehouse.transform import Transformer
from sojourn.warehouse.transform import plan as plan_module


def event(kind: str = "track", integrations: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "event": "Order",
        "messageId": "m",
        "userId": "u",
        "integrations": integrations,
        **fields,
    }


def tables(given: dict[str, Any], provider: str = "postgres", **options: Any) -> list[str]:
    return [row.table for row in Transformer(provider, options).rows(given)]


def test_an_unknown_provider_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidSettings, match=r"'oracle'.*postgres"):
        Transformer("oracle")


def test_tracks_and_users_can_be_left_out_by_destination_or_event() -> None:
    assert tables(event(), skipTracksTable=True) == ["_order"]
    assert tables(event("identify"), skipUsersTable=True) == ["identifies"]
    options = {"POSTGRES": {"options": {"skipTracksTable": True, "skipUsersTable": True}}}
    assert tables(event(integrations=options)) == ["_order"]
    assert tables(event("identify", options)) == ["identifies"]
    assert tables(event(integrations=options), "snowflake") == ["TRACKS", "_ORDER"]
    undo = {"POSTGRES": {"options": {"skipTracksTable": False}}}
    assert tables(event(integrations=undo), skipTracksTable=True) == ["_order"]


@pytest.mark.parametrize(
    "integrations",
    [True, "POSTGRES", ["POSTGRES"], {"POSTGRES": True}, {"POSTGRES": {"options": "x"}}, 5],
)
def test_options_that_are_no_options_change_nothing(integrations: Any) -> None:
    assert tables(event(integrations=integrations)) == ["tracks", "_order"]


def test_an_event_can_keep_reserved_words_and_ask_for_blendo_casing() -> None:
    keep = {"POSTGRES": {"options": {"skipReservedKeywordsEscaping": True}}}
    assert tables(event(integrations=keep)) == ["tracks", "order"]
    blendo = {"BQ": {"options": {"useBlendoCasing": True}}}
    given = event("page", blendo, properties={"camelCase": 1})
    (row,) = Transformer("bigquery").rows(given)
    assert row.values["camelcase"] == 1


NESTED = {"a": {"b": {"c": 1}}, "d": [1, 2], "e": "text", "f": 5, "g": None, "h": {}}


def own_row(provider: str, integrations: Any = None, **options: Any) -> Any:
    given = event("track", integrations, properties=NESTED, userProperties={"a": {"b": 2}})
    return Transformer(provider, options).rows(given)[-1]


def test_json_paths_keep_a_value_as_json_in_one_column() -> None:
    paths = "track.properties.a.b, track.properties.d,track.properties.e,track.properties.g"
    row = own_row("snowflake", jsonPaths=paths)
    assert (row.values["A_B"], row.types["A_B"]) == (2, "int")  # userProperties come later
    assert (row.values["D"], row.types["D"]) == ("[1,2]", "json")
    assert (row.values["E"], row.types["E"]) == ('"text"', "json")
    assert "G" not in row.values


def test_bare_json_paths_hold_for_properties_of_tracks_only() -> None:
    row = own_row("redshift", jsonPaths="f,h,d")
    assert (row.values["f"], row.values["h"], row.types["h"]) == ("5", "{}", "json")
    (page,) = Transformer("redshift", {"jsonPaths": "f"}).rows(event("page", properties=NESTED))
    assert (page.values["f"], page.types["f"]) == (5, "int")


def test_json_paths_come_from_the_event_too() -> None:
    for integrations in (
        {"POSTGRES": {"options": {"jsonPaths": ["track.properties.d"]}}},
        {"DATA_WAREHOUSE": {"options": {"jsonPaths": ["track.properties.d"]}}},
    ):
        row = own_row("postgres", integrations)
        assert (row.values["d"], row.types["d"]) == ("[1,2]", "json")


def test_json_paths_reach_into_the_context() -> None:
    given = event("page", context={"app": {"name": "Shop"}})
    (row,) = Transformer("postgres", {"jsonPaths": "page.context.app"}).rows(given)
    assert (row.values["context_app"], row.types["context_app"]) == ('{"name":"Shop"}', "json")


def test_json_paths_are_text_in_bigquery_and_nothing_in_clickhouse() -> None:
    assert own_row("bigquery", jsonPaths="d").types["d"] == "string"
    row = own_row("clickhouse", jsonPaths="f")
    assert (row.values["f"], row.types["f"]) == (5, "int")


def test_settings_of_many_kinds_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    transformer = Transformer("postgres")
    for number in range(200):
        paths = {"POSTGRES": {"options": {"jsonPaths": [f"track.properties.p{number}"]}}}
        transformer.rows(event(integrations=paths))
    assert len(transformer._plans) <= 16
    monkeypatch.setattr(plan_module, "EVENT_NAMES_MAX", 5)
    for number in range(50):
        assert transformer.rows({**event(), "event": f"E {number}"})[1].table == f"e_{number}"
