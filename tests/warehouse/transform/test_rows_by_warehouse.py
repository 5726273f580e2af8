"""What rows look like in one warehouse or another."""

from __future__ import annotations

from .rows_of_events import event, rows


def test_data_lakes_have_no_event_times_in_users() -> None:
    _, users = rows(event("identify"), "gcs_datalake")
    assert "original_timestamp" not in users.values
    assert users.values["received_at"] == "2026-05-06T07:00:01.000Z"


def test_snowpipe_writes_no_users() -> None:
    assert [r.table for r in rows(event("identify"), "snowpipe_streaming")] == ["IDENTIFIES"]


def test_long_text_has_its_own_type_in_redshift_only() -> None:
    given = event("page", properties={"a": "x" * 512, "b": "x" * 513, "c": "🎈" * 257})
    (row,) = rows(given, "redshift")
    assert [row.types[name] for name in "abc"] == ["string", "text", "text"]
    (row,) = rows(given, "postgres")
    assert row.types["b"] == "string"


def test_snowflake_names_are_in_upper_case() -> None:
    tracks, own = rows(event("track", event="Song Played"), "snowflake")
    assert (tracks.table, own.table) == ("TRACKS", "SONG_PLAYED")
    assert all(name == name.upper() for name in own.types)


def test_bigquery_rows_have_a_second_load_time() -> None:
    (row,) = rows(event("page"), "bigquery")
    assert row.types["loaded_at"] == row.types["uuid_ts"] == "datetime"
