"""Reads the named queries of this package's `.sql` files."""

from __future__ import annotations

from importlib.resources import files

from sojourn.core.named_queries import parse_queries


def load_queries(filename: str) -> dict[str, str]:
    """The statements of `filename` by the name that a `-- name: xyz` line gives them."""
    return parse_queries(files("sojourn.log").joinpath(filename).read_text(encoding="utf-8"))
