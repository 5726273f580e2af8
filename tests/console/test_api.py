from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from sojourn.console.api import as_csv, openapi
from sojourn.core.ports import Parameter, Report, ReportSpec


def get(served: Any, path: str) -> tuple[int, bytes, Any]:
    try:
        with urllib.request.urlopen(served.url + path, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def test_every_report_answers_in_json_and_csv(opened: Any) -> None:
    _, body, _ = get(opened, "/api/reports")
    key = json.loads(get(opened, "/api/reports/sessions?limit=1")[1])["rows"][0][0]
    needed = {"session": f"?key={key}", "funnel": "?steps=Product+Viewed%7COrder+Completed"}
    specs = json.loads(body)
    assert {"overview", "trend", "sessions", "funnel", "problems"} <= {s["name"] for s in specs}
    for spec in specs:
        query = needed.get(spec["name"], "")
        status, body, _ = get(opened, f"/api/reports/{spec['name']}{query}")
        report = json.loads(body)
        assert status == 200, spec["name"]
        assert all(len(row) == len(report["columns"]) for row in report["rows"])
        status, body, headers = get(opened, f"/api/reports/{spec['name']}.csv{query}")
        assert status == 200
        assert headers["content-type"].startswith("text/csv")
        lines = list(csv.reader(io.StringIO(body.decode())))
        assert lines[0] == report["columns"]
        assert len(lines) == len(report["rows"]) + 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/reports/nope", "there is no report 'nope'"),
        ("/api/reports/overview?nope=1", "nope"),
        ("/api/reports/overview?from=soon", "from"),
        ("/api/reports/session?key=nope", "key"),
        ("/api/reports/nope.csv", "there is no report"),
    ],
)
def test_a_wrong_call_is_refused_with_the_name_of_what_is_wrong(
    opened: Any, path: str, words: str
) -> None:
    status, body, _ = get(opened, path)
    assert status == 400
    assert words in json.loads(body)["error"]


def test_an_unknown_path_of_the_api_is_told_in_json(opened: Any) -> None:
    status, body, _ = get(opened, "/api/nope")
    assert status == 404
    assert "error" in json.loads(body)


def test_the_description_covers_every_report_and_parameter(opened: Any) -> None:
    specs = json.loads(get(opened, "/api/reports")[1])
    described = json.loads(get(opened, "/api/openapi.json")[1])
    assert described["openapi"].startswith("3.1")
    for spec in specs:
        operation = described["paths"][f"/api/reports/{spec['name']}"]["get"]
        assert [one["name"] for one in operation["parameters"]] == [
            one["name"] for one in spec["parameters"]
        ]
    names = [
        operation["operationId"]
        for path in described["paths"].values()
        for operation in path.values()
    ]
    assert len(set(names)) == len(names)


def test_the_description_names_choices_and_defaults() -> None:
    spec = ReportSpec("r", "R", "d", (Parameter("by", "What.", "a", ("a", "b")),))
    [parameter] = openapi([spec])["paths"]["/api/reports/r"]["get"]["parameters"]
    assert parameter["schema"] == {"type": "string", "enum": ["a", "b"], "default": "a"}


def test_a_spreadsheet_runs_no_formula_of_a_stranger() -> None:
    spec = ReportSpec("r", "R", "d")
    rows = [["=1+1", -3], ["@x", 2.5], ["plain", None], ["+1", [1]]]
    lines = list(csv.reader(io.StringIO(as_csv(Report(spec, ["a", "b"], rows)))))
    assert lines[1:] == [["'=1+1", "-3"], ["'@x", "2.5"], ["plain", ""], ["'+1", "[1]"]]


def test_the_status_says_no_write_key(opened: Any) -> None:
    status, body, _ = get(opened, "/api/status")
    assert status == 200
    assert "sources" in json.loads(body)
    assert b"secret-key" not in body


def walk(opened: Any, path: str) -> None:
    report = json.loads(get(opened, path)[1])
    place = report["columns"].index("sessions")
    narrow = report["extra"].get("narrow", {})
    for row, behind in list(zip(report["rows"], report["sessions"], strict=True))[:12]:
        for name, count in zip(report["columns"], row, strict=True):
            if name in ("sessions", *narrow) and behind is not None:
                query = urllib.parse.urlencode({**behind, **narrow.get(name, {})})
                found = json.loads(get(opened, f"/api/reports/sessions?{query}&limit=1")[1])
                assert found["extra"]["total"] == count, (path, row[place], name, behind)


@pytest.mark.parametrize(
    "path",
    [
        "overview", "breakdown?by=device", "trend?from=3d",
        "funnel?steps=Product+Viewed%7CCheckout+Started",
        "journeys?steps=2&top=3", "friction", "retention?steps=2&from=5d", "problems",
    ],
)  # fmt: skip
def test_every_figure_opens_as_many_sessions_as_it_says(opened: Any, path: str) -> None:
    walk(opened, f"/api/reports/{path}")
