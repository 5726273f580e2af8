"""JSON lines as files for spreadsheets and data tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import msgspec


def write_table(lines: Iterable[bytes], form: str, out: IO[bytes]) -> None:
    """Write JSON objects as `csv` or `parquet`, what is nested as JSON text in its column.

    Columns are those of all rows; a column of mixed types becomes text. Everything is held in
    memory, as both formats want to know the columns first.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    rows = [_flat(msgspec.json.decode(line)) for line in lines]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: _column([row.get(name) for row in rows]) for name in names})
    if form == "csv":
        pyarrow.csv.write_csv(table, out)
    else:
        pyarrow.parquet.write_table(table, out, compression="zstd")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else value
        for name, value in row.items()
    }


def _column(values: list[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])
