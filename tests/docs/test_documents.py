"""The documents are tests: what they show runs, what is generated is fresh."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def blocks(path: Path, language: str) -> Iterator[str]:
    for found, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
        if found == language:
            yield text


def shown_commands() -> list[str]:
    """The `$ sojourn …` lines of the README: what a new user types."""
    lines = "\n".join(blocks(ROOT / "README.md", "console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ sojourn ")]


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("command", shown_commands())
def test_the_readme_runs(command: str, demo_folder: Path) -> None:
    words = shlex.split(command)
    done = subprocess.run(
        [Path(sys.executable).with_name(words[0]), *words[1:], "--data-dir", demo_folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_in_documents_is_valid(path: Path) -> None:
    for text in blocks(path, "python"):
        ast.parse(text)


def test_generated_parts_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_docs.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
