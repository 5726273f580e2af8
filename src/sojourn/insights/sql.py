"""Named queries from `.sql` files: `-- name: xyz` begins one; comments under it stay with it."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries(path: str) -> dict[str, str]:
    """All queries of a file, given relative to this package, in the file's order."""
    text = files(__package__).joinpath(path).read_text("utf-8")
    parts = _NAME.split(text)
    return {
        name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
