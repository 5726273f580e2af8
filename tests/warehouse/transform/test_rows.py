"""The rows of events."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sojourn.warehouse.transform import Transformer, UnusableEvent

from .rows_of_events import ORIGIN, event, rows


def test_a_track_gives_a_row_of_tracks_and_one_of_its_own_table() -> None:
    tracks, own = rows(event("track", event="Song Played", properties={"songTitle": "Echo"}))
    assert (tracks.table, own.table) == ("tracks", "song_played")
    assert "song_title" not in tracks.values
    assert own.values == {
        "id": "m-1",
        "anonymous_id": "anon-1",
        "user_id": "ada",
        "channel": "server",
        "received_at": "2026-05-06T07:00:01.000Z",
        "original_timestamp": "2026-05-06T07:00:00.000Z",
        "context_session_id": 1777777777,
        "context_library_name": "sojourn",
        "context_source_id": "source-1",
        "context_source_type": "Python",
        "context_destination_id": "dest-1",
        "context_destination_type": "DUCKDB",
        "event": "song_played",
        "event_text": "Song Played",
        "song_title": "Echo",
    }
    assert own.types["context_session_id"] == "int"
    assert own.types["uuid_ts"] == "datetime"
    assert set(own.types) == {*own.values, "uuid_ts"}


def test_rows_do_not_share_their_values_and_the_event_is_not_changed() -> None:
    given = event("track", event="Song Played", properties={"a": {"b": [1]}})
    before = copy.deepcopy(given)
    tracks, own = rows(given)
    tracks.values["id"] = tracks.types["id"] = "changed"
    assert own.values["id"] == "m-1"
    assert own.types["id"] == "string"
    assert given == before


@pytest.mark.parametrize("name", [None, "", "日本", 7, {"a": 1}])
def test_an_event_without_a_name_has_no_table_of_its_own(name: Any) -> None:
    (tracks,) = rows(event("track", event=name))
    assert tracks.values["event"] == ""


@pytest.mark.parametrize(
    ("value", "stored", "kind"),
    [
        (3, 3, "int"),
        (3.0, 3, "int"),
        (1e21, 10**21, "int"),
        (3.5, 3.5, "float"),
        (True, True, "boolean"),
        ("3", "3", "string"),
        ("2026-01-02", "2026-01-02T00:00:00.000Z", "datetime"),
        ([1, "a", None], '[1,"a",null]', "string"),
        ([None], "[null]", "string"),
        ({"deep": {"er": 1}}, None, ""),
        (None, None, ""),
        ("", None, ""),
        ([], None, ""),
        ([""], None, ""),
        ([[]], None, ""),
        ({}, None, ""),
    ],
)
def test_the_type_of_a_column_follows_the_value(value: Any, stored: Any, kind: str) -> None:
    (row,) = rows(event("page", properties={"x": value}))
    if kind:
        assert (row.values["x"], row.types["x"]) == (stored, kind)
    else:
        assert "x" not in row.values
        assert "x" not in row.types


def test_objects_are_flattened_at_any_depth_but_three_levels_for_cloud_sources() -> None:
    given = event("page", properties={"a": {"b": {"c": {"d": {"e": 1}}}}})
    (row,) = rows(given)
    assert row.values["a_b_c_d_e"] == 1
    (row,) = Transformer().rows(given, ORIGIN._replace(source_category="cloud"))
    assert row.values["a_b_c_d"] == '{"e":1}'


def test_of_names_that_collide_the_last_in_byte_order_wins() -> None:
    (row,) = rows(event("page", properties={"size_x": "a", "sizeX": "b", "size": {"x": "c"}}))
    assert row.values["size_x"] == "a"
    transformer = Transformer()
    transformer.rows(event("page", properties={"sizeX": 1}), ORIGIN)
    transformer.rows(event("page", properties={"size_x": 1}), ORIGIN)
    (row,) = transformer.rows(event("page", properties={"size_x": "a", "sizeX": "b"}), ORIGIN)
    assert row.values["size_x"] == "a"


def test_columns_of_rudderstack_beat_properties_of_the_same_name() -> None:
    properties = {"userId": "eve", "sent_at": "x", "context_library_name": "y", "name": "kept"}
    _, own = rows(event("track", event="E", properties=properties))
    assert own.values["user_id"] == "ada"
    assert "sent_at" not in own.values
    assert own.values["context_library_name"] == "sojourn"
    assert own.values["name"] == "kept"


def test_a_property_called_uuid_ts_gives_that_column_its_type() -> None:
    (row,) = rows(event("page", properties={"uuid_ts": "mine"}))
    assert (row.values["uuid_ts"], row.types["uuid_ts"]) == ("mine", "string")


def test_identify_gives_identifies_then_users_with_the_user_as_its_id() -> None:
    identifies, users = rows(event("identify", traits={"email": "a@b.c", "userId": "x"}))
    assert (identifies.table, users.table) == ("identifies", "users")
    assert (identifies.values["id"], identifies.values["user_id"]) == ("m-1", "ada")
    assert users.values["id"] == "ada"
    assert "user_id" not in users.values
    assert "channel" not in users.values
    assert "anonymous_id" not in users.values
    assert users.values["email"] == "a@b.c"
    assert users.values["original_timestamp"] == "2026-05-06T07:00:00.000Z"


@pytest.mark.parametrize("user", [None, "", "  ", ["u"], {"u": 1}])
def test_identify_without_a_user_gives_no_row_of_users(user: Any) -> None:
    assert [row.table for row in rows(event("identify", userId=user))] == ["identifies"]


def test_traits_of_the_context_are_the_users_only_where_the_setting_says_so() -> None:
    given = event(
        "identify",
        userProperties={"plan": "u", "a": 1},
        context={"traits": {"plan": "c", "b": 2}},
        traits={"c": 3},
    )
    plain, _ = rows(given)
    assert plain.values["plan"] == "u"
    assert plain.values["context_traits_plan"] == "c"
    assert "b" not in plain.values
    allowed, _ = rows(given, allowUsersContextTraits=True)
    assert (allowed.values["plan"], allowed.values["b"]) == ("c", 2)


def test_traits_that_are_a_spread_text_are_no_traits_of_the_user() -> None:
    given = event("identify", context={"traits": {"0": "a", "1": "b"}})
    identifies, _ = rows(given, allowUsersContextTraits=True)
    assert identifies.values["context_traits"] == "ab"
    assert "_0" not in identifies.values


def test_the_empty_key_and_half_a_surrogate_pair_do_no_harm() -> None:
    (row,) = rows(event("page", properties={"": 1, "a": ["\ud800"], "b": [1 << 70]}))
    assert (row.values["a"], row.values["b"]) == ('["\\ud800"]', f"[{1 << 70}]")


def test_each_call_has_its_own_columns() -> None:
    (page,) = rows(event("page", properties={"name": "Home"}))
    (screen,) = rows(event("screen", name="Start"))
    (group,) = rows(event("group", groupId="g", traits={"size": 3}))
    (alias,) = rows(event("alias", previousId="p"))
    assert (page.table, page.values["name"]) == ("pages", "Home")
    assert (screen.table, screen.values["name"]) == ("screens", "Start")
    assert (group.table, group.values["group_id"], group.values["size"]) == ("groups", "g", 3)
    assert (alias.table, alias.values["previous_id"]) == ("aliases", "p")


def test_addresses_come_from_the_context_and_the_request() -> None:
    (row,) = rows(event("page", request_ip="192.0.2.1"))
    assert row.values["context_ip"] == row.values["context_request_ip"] == "192.0.2.1"
    assert "context_passed_ip" not in row.values
    (row,) = rows(event("page", request_ip="192.0.2.1", context={"ip": "192.0.2.9"}))
    assert row.values["context_ip"] == row.values["context_passed_ip"] == "192.0.2.9"


def test_lists_and_objects_do_not_fill_the_standard_columns() -> None:
    (row,) = rows(event("page", anonymousId=["x"], userId={"a": 1}, context={"ip": ["1"]}))
    assert not {"anonymous_id", "user_id", "context_ip"} & set(row.values)


def test_a_missing_message_id_is_made_up_and_a_bad_receipt_time_replaced() -> None:
    (row,) = rows(event("page", messageId="", receivedAt="soon"))
    assert row.values["id"].startswith("auto-")
    assert row.values["received_at"] == "2026-05-06T07:08:09.010Z"
    (row,) = Transformer().rows(event("page", receivedAt=None))
    assert row.types["received_at"] == "datetime"


def test_a_text_spread_over_indices_is_put_together() -> None:
    (row,) = rows(event("page", context={"traits": {"0": "a", "1": "b", "2": "c"}}))
    assert row.values["context_traits"] == "abc"
    (row,) = rows(event("page", context={"traits": {"0": "a", "2": "c"}}))
    assert row.values["context_traits_2"] == "c"
    (row,) = rows(event("group", traits={"1": "a", "2": "b"}))
    assert "_1" not in row.values


def test_the_whole_event_is_stored_on_request() -> None:
    tracks, own = rows(event("track", event="E"), "redshift", storeFullEvent=True)
    whole = json.loads(tracks.values["rudder_event"])
    assert whole["event"] == "E"
    assert whole["context"]["destinationType"] == "RS"
    assert tracks.types["rudder_event"] == "text"
    assert "rudder_event" not in own.values


def test_a_cloud_sources_track_has_the_id_of_its_record() -> None:
    given = event("track", event="E", context={"sources": {"version": 1}})
    cloud = ORIGIN._replace(source_category="Singer-Protocol", record_id=42)
    tracks, own = Transformer().rows(given, cloud)
    assert (tracks.values["id"], tracks.values["record_id"]) == ("m-1", "42")
    assert own.values["id"] == 42
    for record_id in (None, [1]):
        with pytest.raises(UnusableEvent, match="recordId cannot be"):
            Transformer().rows(given, cloud._replace(record_id=record_id))


def test_a_record_goes_to_the_table_that_it_names() -> None:
    given = {"type": "extract", "event": "Accounts", "properties": {"a": 1}, "receivedAt": ""}
    (row,) = Transformer().rows(given, ORIGIN._replace(record_id="r-1"))
    assert (row.table, row.values["id"], row.values["a"]) == ("_accounts", "r-1", 1)
    with pytest.raises(UnusableEvent, match="empty event name"):
        Transformer().rows({"type": "extract"}, ORIGIN._replace(record_id="r-1"))
