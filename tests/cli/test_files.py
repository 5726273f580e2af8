"""Exports as CSV and Parquet hold what the JSON lines hold."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet

from sojourn.cli.files import write_table

ROWS = [
    {"key": "a", "events": 3, "context": {"page": {"path": "/"}}, "odd": 1},
    {"key": "b", "events": 4, "odd": "text", "later": 2.5},
]
LINES = [json.dumps(row).encode() for row in ROWS]


def test_parquet_keeps_types_and_every_column() -> None:
    out = io.BytesIO()
    write_table(LINES, "parquet", out)
    first, second = pyarrow.parquet.read_table(io.BytesIO(out.getvalue())).to_pylist()
    assert (first["events"], second["later"]) == (3, 2.5)
    assert json.loads(first["context"]) == ROWS[0]["context"]
    assert (first["odd"], second["odd"]) == ("1", "text"), "a column of mixed types is text"
    assert first["later"] is None


def test_csv_has_a_header_and_a_line_for_each_row() -> None:
    out = io.BytesIO()
    write_table(LINES, "csv", out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode())))
    assert [row["key"] for row in rows] == ["a", "b"]


def test_nothing_stored_is_an_empty_file_and_no_mistake() -> None:
    for form in ("csv", "parquet"):
        write_table([], form, io.BytesIO())
