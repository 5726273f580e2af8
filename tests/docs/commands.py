"""What documents show in blocks of code, and running it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..program import run

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(path: Path, language: str) -> Iterator[str]:
    """The blocks of code in this language."""
    for found, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
        if found == language:
            yield text


def shown_commands(path: Path) -> list[str]:
    """The lines `$ sojourn …` that a document shows."""
    lines = "\n".join(blocks(path, "console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ sojourn ")]


def said_by(
    command: str,
    *more: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What `sojourn …` prints; it must end well. `more`: further words."""
    words = shlex.split(command)[1:]
    done = run(*words, *more, cwd=cwd, env=os.environ | {"COLUMNS": "200"} | (environment or {}))
    assert done.returncode == 0, done.stderr
    return done.stdout
