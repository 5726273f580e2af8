"""Arrow rows as CSV text that databases load: nulls are empty, texts are in quotes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

_BLOCK = 1 << 20
_NUL = "\x00"
_ESCAPED_NUL = "\\u0000"
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_OPTIONS = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")


def csv_of(rows: pa.Table) -> Iterator[memoryview]:
    """The rows in blocks of CSV, UTF-8, columns in the table's order, without a header.

    Zero characters, which databases do not take in text, are left out.
    """
    target = io.BytesIO()
    pyarrow.csv.write_csv(_without_nul(rows), target, _OPTIONS)
    whole = target.getbuffer()
    for start in range(0, len(whole), _BLOCK):
        yield whole[start : start + _BLOCK]


def _without_nul(rows: pa.Table) -> pa.Table:
    for number, name in enumerate(rows.column_names):
        column = rows.column(number)
        if not pa.types.is_string(column.type):
            continue
        if pc.any(pc.match_substring(column, _NUL)).as_py():
            rows = rows.set_column(number, name, pc.replace_substring(column, _NUL, ""))
    return rows


def without_nul(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """JSON texts without escaped zero characters, which no database's JSON takes."""
    if not pc.any(pc.match_substring(texts, _ESCAPED_NUL)).as_py():
        return texts
    return pa.chunked_array(
        [[text and _NUL_IN_JSON.sub(r"\1", text) for text in texts.to_pylist()]], texts.type
    )
