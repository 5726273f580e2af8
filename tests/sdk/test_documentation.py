"""What docs/sdk.md shows runs, and its table of frameworks names what is there."""

from __future__ import annotations

import importlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda text: text.strip().splitlines()[-1][:40])
def test_a_block_of_the_documentation_runs(
    block: str,
    stub: Any,
    program: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    done = program(block.replace("http://localhost:8080", stub.url))
    assert done.stderr == ""
    assert "track" not in block or stub.accepted


def test_what_the_documentation_names_is_there() -> None:
    names = set(re.findall(r"`[^`]*?(sojourn\.sdk\.[\w.]+)", TEXT))
    assert len(names) >= 10
    for name in names - {"sojourn.sdk.compat"}:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
