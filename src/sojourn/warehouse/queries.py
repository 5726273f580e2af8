"""Reads the named queries of this package's `.sql` files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from sojourn.core.named_queries import parse_queries


@cache
def named_queries(filename: str) -> Mapping[str, str]:
    """The statements of `filename` by the name that a `-- name: xyz` line gives them."""
    return parse_queries(files("sojourn.warehouse").joinpath(filename).read_text("utf-8"))
