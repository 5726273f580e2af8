"""Reads the named queries of this package's `.sql` files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sojourn.core.named_queries import parse_queries


@cache
def queries(path: str) -> dict[str, str]:
    """All queries of a file, given relative to this package, in the file's order."""
    return parse_queries(files(__package__).joinpath(path).read_text("utf-8"))
