"""Runs the command line as people do; a server where a test needs one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

SOJOURN = Path(sys.executable).with_name("sojourn")
Done = subprocess.CompletedProcess[str]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOJOURN_")}
    return kept | {"COLUMNS": "200"}


@pytest.fixture
def sojourn(tmp_path: Path) -> Callable[..., Done]:
    """Runs one command in the folder of the test; `said` is what is typed."""

    def run(*arguments: str, said: str = "", fails: bool = False) -> Done:
        done = subprocess.run(
            [SOJOURN, *arguments],
            cwd=tmp_path,
            env=_environment(),
            input=said,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


@contextmanager
def _serving(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    announced = folder / "sojourn-data" / "serve.json"
    with (folder / "serve.out").open("wb") as output:
        server = subprocess.Popen(
            [SOJOURN, "serve", "--port", "0", *arguments],
            cwd=folder, env=_environment(), stdout=output, stderr=subprocess.STDOUT,
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
