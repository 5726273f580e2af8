"""A data folder with the demo in it, made once, and a server on it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..program import SOJOURN
from .commands import said_by


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "data"
    server = subprocess.Popen(
        [SOJOURN, "serve", "--port", "0", "--data-dir", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until(lambda: (folder / "serve.json").exists())
        said_by("sojourn demo --no-live", "--data-dir", folder)
        _wait_until(lambda: _is_caught_up(folder))
        yield folder
    finally:
        server.terminate()
        server.wait(timeout=30)


def _is_caught_up(folder: Path) -> bool:
    readers = json.loads(said_by("sojourn status --json", "--data-dir", folder))["readers"]
    return all(reader["entries"] == 0 for reader in readers.values())


def _wait_until(probe: object, seconds: float = 90) -> None:
    assert callable(probe)
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline, "the demo did not come in"
        time.sleep(0.1)
