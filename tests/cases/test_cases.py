"""The runner of conformance cases: what it compares, what it prints, how it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sojourn.testing.cases import judge, main, read
from sojourn.testing.compare import difference, same

OWN = Path(__file__).with_name("destinations.jsonl")
MORE = os.environ.get("SOJOURN_CONFORMANCE", "")
"""A folder with more cases, where there is one."""


@pytest.mark.parametrize("case", list(read(OWN)), ids=lambda case: case["id"])
def test_our_destinations_do_what_the_case_expects(case: Any) -> None:
    result = judge(case)
    assert result.kind == "passed", result.difference


@pytest.mark.parametrize("name", ["amplitude", "mixpanel", "webhook"])
def test_more_cases_pass_where_there_are_some(name: str, capsys: Any) -> None:
    path = Path(MORE) / f"{name}.jsonl"
    if not MORE or not path.exists():
        pytest.skip("SOJOURN_CONFORMANCE names no folder with cases")
    assert main([str(path)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}, True),
        (1, True, False),
        (1, "1", False),
        (0, False, False),
        (None, 0, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ({"$json": {"a": [1]}}, '{"a": [1.0]}', True),
        ({"$json": {"a": 1}}, {"a": 1}, False),
        ({"$json": {"a": 1}}, "no json", False),
        ({"$match": "^auto-"}, "auto-17", True),
        ({"$match": "^auto-"}, "an auto-17", False),
        ({"$match": "x"}, 5, False),
    ],
)
def test_values_compare_by_the_rules(expected: Any, actual: Any, equal: bool) -> None:
    assert (same(expected, actual, "x") is None) is equal


def case(expected: Any, stage: str = "processor", **more: Any) -> dict[str, Any]:
    return {"stage": stage, "expected": expected, **more}


def request(**more: Any) -> dict[str, Any]:
    return {"method": "POST", "url": "u", "query": {}, "headers": {}, "body": None, **more}


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        (request(headers={"X-A": "1"}), request(headers={"x-a": "1"}), True),
        (request(headers={"X-A": "1"}), request(), False),
        (request(query={"a": 1, "b": None}), request(query={"a": "1"}), True),
        (request(query={"a": 1}), request(query={"a": "1", "b": ""}), True),
        (request(query={"a": True}), request(query={"a": "true"}), True),
        (request(query={"a": 1}), request(query={"a": "2"}), False),
        (
            request(body={"format": "form", "value": {"m": {"a": 1}}}),
            request(body={"format": "form", "value": {"m": '{"a":1}'}}),
            True,
        ),
        (
            request(body={"format": "json", "value": {"m": {"a": 1}}}),
            request(body={"format": "json", "value": {"m": '{"a":1}'}}),
            False,
        ),
        (
            request(body={"format": "json", "value": 1}),
            request(body={"format": "json", "value": 1, "encoding": "gzip"}),
            False,
        ),
        ({"method": "POST", "url": "u"}, request(headers={"any": "thing"}), True),
    ],
)
def test_requests_compare_as_they_read_on_the_wire(expected: Any, actual: Any, equal: bool) -> None:
    found = difference(case({"requests": [expected]}), {"requests": [actual]})
    assert (found is None) is equal


def test_errors_compare_by_status_and_type() -> None:
    error = case({"error": {"status": 400, "type": "configuration", "message": "for people"}})
    good = {"error": {"status": 400, "type": "configuration", "message": "others"}}
    assert difference(error, good) is None
    wrong = {"error": {"status": 400, "type": "instrumentation"}}
    assert difference(error, wrong) == (
        'error.type: expected "configuration", got "instrumentation"'
    )
    assert "error: expected" in (difference(error, {"requests": []}) or "")
    assert difference(case({"requests": []}), good) is not None


def test_deliveries_compare_in_any_order() -> None:
    deliveries = [
        {"job_ids": [1, 2], "requests": [request()]},
        {"job_ids": [3], "error": {"status": 400}},
    ]
    expected = case({"deliveries": deliveries}, "router")
    assert difference(expected, {"deliveries": deliveries[::-1]}) is None
    assert difference(expected, {"deliveries": deliveries[:1]}) is not None
    assert difference(expected, {"deliveries": [*deliveries, deliveries[1]]}) is not None
    swapped = [{**deliveries[0], "job_ids": [2, 1]}, deliveries[1]]
    assert "none for jobs [1, 2]" in (difference(expected, {"deliveries": swapped}) or "")


def test_arrays_of_a_row_may_be_json_text() -> None:
    expected = case({"rows": [{"table": "t", "types": {}, "values": {"a": [1, 2]}}]}, "transform")
    row = {"table": "t", "types": {}, "values": {"a": "[1,2]"}}
    assert difference(expected, {"rows": [row]}) is None
    assert difference(expected, {"rows": [row, row]}) is not None


def write(path: Path, *cases: Any) -> str:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in cases))
    return str(path)


def webhook(expected: Any, *tags: str) -> dict[str, Any]:
    return {
        "id": "own",
        "title": "a title",
        "destination": "webhook",
        "stage": "processor",
        "now": "2026-01-01T00:00:00.000Z",
        "destination_config": {"webhookUrl": "https://x.example"},
        "input": {"type": "track"},
        "expected": expected,
        "tags": list(tags),
    }


GOOD = {
    "requests": [
        {
            "method": "POST",
            "url": "https://x.example",
            "headers": {"content-type": "application/json"},
            "body": {"format": "json", "value": {"type": "track"}},
        }
    ]
}


def test_failures_are_printed_and_counted(tmp_path: Path, capsys: Any) -> None:
    bad = webhook({"requests": []})
    path = write(tmp_path / "c.jsonl", webhook(GOOD), bad, webhook({"requests": []}, "js-quirk"))
    assert main([path]) == 1
    out = capsys.readouterr().out
    assert "FAILED own: a title\n    requests: expected 0 requests, got 1\n" in out
    assert out.endswith("1 quirks failed\n1 passed, 1 failed\n")


def test_quirks_that_fail_do_not_fail_the_run_and_those_that_pass_count(
    tmp_path: Path, capsys: Any
) -> None:
    cases = [webhook(GOOD, "quirk"), webhook({"requests": []}, "go-format")]
    assert main([write(tmp_path / "c.jsonl", *cases)]) == 0
    assert capsys.readouterr().out.endswith("1 quirks failed\n1 passed, 0 failed\n")


def test_a_fault_of_the_code_under_test_is_a_failure_and_not_the_end(
    tmp_path: Path, capsys: Any
) -> None:
    broken = webhook(GOOD) | {"destination_config": {"webhookUrl": 5, "headers": 7}}
    assert main([write(tmp_path / "c.jsonl", broken, webhook(GOOD))]) == 1
    out = capsys.readouterr().out
    assert "raised TypeError: " in out
    assert "(webhook.py, line " in out
    assert "Traceback" not in out
    assert out.endswith("1 passed, 1 failed\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"destination": "pigeon"}, "there is no destination `pigeon`"),
        ({"stage": "guess"}, "destinations have no stage `guess`"),
        ({"destination": "warehouse", "stage": "guess"}, "warehouses have no stage `guess`"),
        ({"stage": "delete", "input": {}}, "raised KeyError: 'users' (cases_destinations.py"),
    ],
)
def test_a_case_of_an_unknown_kind_fails_and_says_so(
    tmp_path: Path, capsys: Any, more: dict[str, Any], message: str
) -> None:
    odd = webhook(GOOD) | more
    assert main([write(tmp_path / "c.jsonl", odd, webhook(GOOD))]) == 1
    out = capsys.readouterr().out
    assert f"FAILED own: a title\n    {message}" in out
    assert out.endswith("1 passed, 1 failed\n")


def test_a_far_end_that_does_not_answer_is_tried_again() -> None:
    delivery = webhook({"outcome": "retryable", "status": 504}) | {"stage": "delivery"}
    sent = {"method": "POST", "url": "https://x.example", "body": None}
    delivery |= {"input": {"request": sent, "jobs": []}}
    for network in ([], [{"response": None}], [{"request": {}}]):
        assert judge(delivery | {"network": network}).kind == "passed"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: a case is a JSON object"),
        ('{"id": "x"}', "line 1: the case has no `destination`"),
        (json.dumps(webhook(GOOD) | {"id": 5}), "line 1: `id` must be a text"),
        (json.dumps(webhook(GOOD) | {"stage": []}), "line 1: `stage` must be a text"),
        (json.dumps(webhook([])), "line 1: `expected` must be an object"),
        (json.dumps(webhook(GOOD) | {"tags": 5}), "line 1: `tags` must be an array"),
    ],
)
def test_a_file_that_is_no_case_file_is_named(
    tmp_path: Path, capsys: Any, line: str, message: str
) -> None:
    assert main([write(tmp_path / "c.jsonl", line)]) == 2
    assert message in capsys.readouterr().err


def test_what_cannot_be_read_is_named_and_the_rest_runs(tmp_path: Path, capsys: Any) -> None:
    good, bad = json.dumps(webhook(GOOD)), json.dumps(webhook({"requests": []}))
    none, mixed = str(tmp_path / "none.jsonl"), tmp_path / "mixed.jsonl"
    assert main([none, write(mixed, "{", good, "[" * 100_000)]) == 2
    out, error = capsys.readouterr()
    assert "none.jsonl: No such file" in error
    assert "line 1: not JSON" in error
    assert "line 3: not JSON" in error
    assert out.endswith("0 quirks failed\n1 passed, 0 failed\n")
    assert main([write(mixed, "{", good, bad)]) == 1
