"""Named queries: SQL text in which a line `-- name: xyz` begins one."""

from __future__ import annotations

import re

_NAME = re.compile(r"^-- name: (\w+)[ \t]*\n", re.MULTILINE)


def parse_queries(text: str) -> dict[str, str]:
    """The queries of a `.sql` file by name, in the file's order, without a last semicolon.

    What stands before the first name is a comment on the file.
    """
    parts = _NAME.split(text)
    return {
        name: body.strip().removesuffix(";")
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
