"""Reads the named queries of this package's `.sql` files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def named_queries(filename: str) -> Mapping[str, str]:
    """The statements of `filename` by the name that a `-- name: xyz` line gives them."""
    text = files("sojourn.warehouse").joinpath(filename).read_text(encoding="utf-8")
    blocks = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    pairs = zip(blocks[1::2], blocks[2::2], strict=True)
    return {name: sql.strip().removesuffix(";") for name, sql in pairs}
