"""Tables for people, JSON for machines."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

console = Console()


def print_json(value: Any) -> None:
    """One JSON value on one line."""
    sys.stdout.write(msgspec.json.encode(value, enc_hook=str).decode() + "\n")


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows as CSV with a header, for spreadsheets."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table as wide as the terminal; numbers stand on the right."""
    rows = list(rows)
    table = Table(
        title=title or None,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
        collapse_padding=True,
    )
    for index, column in enumerate(columns):
        values = [row[index] for row in rows if row[index] is not None]
        numeric = bool(values) and all(isinstance(value, (int, float)) for value in values)
        table.add_column(
            column.replace("_", " "),
            justify="right" if numeric else "left",
            # Half a key, half a time or half a number is of no use.
            min_width=max((len(as_text(value)) for value in values), default=0)
            if numeric
            else None,
            no_wrap=column.endswith(("_key", "_time")),
        )
    for row in rows:
        table.add_row(*(as_text(value) for value in row))
    console.print(table)


def fitting(columns: Sequence[str], rows: Sequence[Sequence[Any]], widest: int = 32) -> int:
    """How many of the columns, from the left, the terminal has room for; at least one."""
    room = console.width
    for index, column in enumerate(columns):
        words = [len(word) for word in column.split("_")]
        values = [min(widest, len(as_text(row[index]))) for row in rows]
        room -= max([*words, *values]) + 2
        if room < 0:
            return max(1, index)
    return len(columns)


def as_text(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def seconds_as_text(seconds: float | None) -> str:
    """A duration as people read it: `4 s`, `12 min 30 s`, `1 h 5 min`."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def short_time(value: Any) -> Any:
    """Times come as ISO text; people want them short. Everything else as it is."""
    if isinstance(value, str) and len(value) >= 19 and value[4:5] == "-" and value[10:11] == "T":
        return value[:19].replace("T00:00:00", "").replace("T", " ")
    return value
