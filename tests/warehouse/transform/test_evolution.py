"""What an upload changes in the tables of the warehouse."""

from __future__ import annotations

from sojourn.warehouse.transform import DISCARDS_TABLE, TableChange, evolve
from sojourn.warehouse.transform.evolution import DISCARDS_COLUMNS

DISCARDS = {DISCARDS_TABLE: {**DISCARDS_COLUMNS, "uuid_ts": "datetime"}}


def test_tables_and_columns_are_added() -> None:
    there = {**DISCARDS, "pages": {"id": "string"}}
    schema, changes = evolve(there, [{"pages": {"id": "string", "a": "int"}, "new": {"b": "int"}}])
    assert changes == {
        "pages": TableChange(add={"a": "int"}),
        "new": TableChange(create=True, add={"b": "int"}),
    }
    assert schema == {**DISCARDS, "pages": {"id": "string", "a": "int"}, "new": {"b": "int"}}


def test_the_warehouses_own_type_wins() -> None:
    schema, changes = evolve({**DISCARDS, "t": {"a": "string"}}, [{"t": {"a": "int"}}])
    assert schema["t"] == {"a": "string"}
    assert changes == {}


def test_the_first_type_of_an_upload_wins_unless_a_later_one_is_text() -> None:
    uploads = [{"t": {"a": "int", "b": "string"}}, {"t": {"a": "string", "b": "text"}}]
    schema, _ = evolve(DISCARDS, uploads)
    assert schema["t"] == {"a": "int", "b": "text"}


def test_a_string_column_is_widened_to_text() -> None:
    schema, changes = evolve({**DISCARDS, "t": {"a": "string"}}, [{"t": {"a": "text"}}])
    assert changes == {"t": TableChange(alter={"a": "text"})}
    assert schema["t"] == {"a": "text"}


def test_deprecated_columns_are_as_if_they_were_not_there() -> None:
    old = "a-deprecated-0F4c7d92-3bd3-4c5a-9b53-7c8d1f0f6a11"
    schema, changes = evolve({**DISCARDS, "users": {old: "int"}}, [{"users": {"a": "string"}}])
    assert changes == {"users": TableChange(add={"a": "string"})}
    assert schema["users"] == {"a": "string"}


def test_users_and_identifies_share_their_columns() -> None:
    there = {**DISCARDS, "users": {"id": "string", "old": "int"}, "identifies": {"id": "string"}}
    upload = {"identifies": {"id": "string", "user_id": "int", "a": "int"}, "users": {"a": "int"}}
    schema, changes = evolve(there, [upload])
    assert schema["users"] == {"a": "int", "id": "string", "old": "int"}
    assert schema["identifies"] == {"id": "string", "user_id": "int", "a": "int", "old": "int"}
    assert changes["users"] == TableChange(add={"a": "int"})


def test_a_new_users_table_has_ids_of_the_type_of_user_id() -> None:
    upload = {"identifies": {"id": "string", "user_id": "int"}, "users": {"id": "string"}}
    schema, _ = evolve({}, [upload])
    assert schema["users"] == {"id": "int"}


def test_an_old_discards_table_gets_its_new_column() -> None:
    old = {name: kind for name, kind in DISCARDS[DISCARDS_TABLE].items() if name != "reason"}
    _, changes = evolve({DISCARDS_TABLE: old}, [])
    assert changes == {DISCARDS_TABLE: TableChange(add={"reason": "string"})}


def test_an_event_called_like_the_discards_adds_nothing_to_them() -> None:
    schema, changes = evolve(DISCARDS, [{DISCARDS_TABLE: {"price": "int"}}])
    assert (schema, changes) == (DISCARDS, {})


def test_data_lakes_have_no_discards() -> None:
    assert evolve({}, [], "s3_datalake") == ({}, {})


def test_snowflake_tables_are_in_upper_case() -> None:
    upload = {"IDENTIFIES": {"USER_ID": "string", "A": "int"}, "USERS": {"ID": "string"}}
    schema, _ = evolve({}, [upload], "snowflake")
    assert schema["USERS"] == {"ID": "string", "A": "int"}
    assert schema["RUDDER_DISCARDS"]["ROW_ID"] == "string"
