"""Conformance cases of the warehouse, in the form that the case runner reads."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.testing.cases import judge
from sojourn.testing.cases_warehouse import run
from sojourn.testing.compare import UnknownCase

EVENT = {
    "type": "track",
    "event": "Song Played",
    "messageId": "m",
    "receivedAt": "2026-05-06T07:08:09Z",
    "properties": {"tags": ["a"], "n": 2},
}
ROW = {
    "table": "song_played",
    "values": {
        "id": "m",
        "event": "song_played",
        "event_text": "Song Played",
        "received_at": "2026-05-06T07:08:09.000Z",
        "tags": ["a"],
        "n": 2.0,
    },
    "types": {
        "id": "string",
        "event": "string",
        "event_text": "string",
        "received_at": "datetime",
        "tags": "string",
        "n": "int",
        "uuid_ts": "datetime",
    },
}


def case(stage: str, given: Any, expected: Any, **more: Any) -> dict[str, Any]:
    plain = {"id": "own", "destination": "warehouse", "stage": stage}
    return {**plain, "input": given, "expected": expected, **more}


TRANSFORM = {
    "provider": "postgres",
    "destination_config": {"skipTracksTable": True},
    "metadata": {"source_id": "s", "received_at": "2026-05-06T07:08:09.000Z"},
    "options": {"add_source_destination_to_context": False},
}
REASON = "incompatible schema conversion from int to string"
DISCARD = {"value": None, "discard": {"column_value": "x", "reason": REASON}}
SCHEMA = {"warehouse_schema": {}, "upload_schemas": [{"t": {"a": "int"}}]}
EVOLVED = {
    "schema": {"t": {"a": "int"}},
    "changes": {"t": {"create": True, "add": {"a": "int"}, "alter": {}}},
}


@pytest.mark.parametrize(
    "good",
    [
        case("transform", EVENT, {"rows": [ROW]}, **TRANSFORM),
        case("transform", {"type": "x"}, {"error": {"status": 400}}, **TRANSFORM),
        case("cast", {"column_type": "int", "value_type": "int", "value": 1}, {"value": 1}),
        case("cast", {"column_type": "int", "value_type": "string", "value": "x"}, DISCARD),
        case("schema", SCHEMA, EVOLVED, provider="s3_datalake"),
    ],
)
def test_what_we_do_is_judged_by_stage(good: dict[str, Any]) -> None:
    assert judge(good).kind == "passed"


def test_a_wrong_expectation_fails() -> None:
    wrong = {**ROW, "table": "songs_played"}
    assert judge(case("transform", EVENT, {"rows": [wrong]}, **TRANSFORM)).kind == "failed"


def test_an_identity_rule_is_marked() -> None:
    given = {"type": "page", "userId": "u"}
    found = run(
        case("transform", given, None, provider="bigquery", options={"id_resolution": True})
    )
    assert [row.get("merge_rule") for row in found["rows"]] == [None, True]


def test_an_unknown_stage_is_named() -> None:
    with pytest.raises(UnknownCase, match="warehouses have no stage `load`"):
        run(case("load", {}, {}))
