"""Runs the command line as people do; a server where a test needs one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..program import Done, Running, run


def environment() -> dict[str, str]:
    """Without what is set for Sojourn where the tests run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOJOURN_")}
    return kept | {"COLUMNS": "200"}


@pytest.fixture
def sojourn(tmp_path: Path) -> Callable[..., Done]:
    """Runs one command in the folder of the test; `said` is what is typed."""

    def sojourn(*arguments: str, said: str = "", fails: bool = False) -> Done:
        done = run(*arguments, cwd=tmp_path, env=environment(), said=said)
        assert (done.returncode != 0) == fails, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return sojourn


@contextmanager
def _serving(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    announced = folder / "sojourn-data" / "serve.json"
    with (folder / "serve.out").open("wb") as output:
        server = Running(
            "serve", "--port", "0", *arguments,
            cwd=folder, env=environment(), stdout=output, stderr=output,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not announced.exists():
            assert server.poll() is None, (folder / "serve.out").read_text()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield json.loads(announced.read_text())
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture
def serving(tmp_path: Path) -> Callable[..., AbstractContextManager[dict[str, Any]]]:
    """Serves the folder of the test; gives what `serve.json` says."""
    return lambda *arguments: _serving(tmp_path, *arguments)
