"""Reads the named queries of this package's `.sql` files."""

from __future__ import annotations

import re
from importlib.resources import files


def load_queries(filename: str) -> dict[str, str]:
    """The statements of `filename` by the name that a `-- name: xyz` line gives them."""
    text = files("sojourn.log").joinpath(filename).read_text(encoding="utf-8")
    blocks = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: sql.strip() for name, sql in zip(blocks[1::2], blocks[2::2], strict=True)}
