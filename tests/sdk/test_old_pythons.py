"""The SDK runs on every Python from 3.9 on: imported whole, and used, with warnings as errors."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

VERSIONS = ["3.9", "3.10", "3.12", "3.13", "3.14"]
SRC = Path(__file__).parents[2] / "src"

CODE = """
import asyncio, datetime, importlib, pkgutil, sys
import sojourn, sojourn.core, sojourn.sdk
from sojourn import AppInfo, Client
for package in (sojourn.sdk, sojourn.core):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if ".browser" not in module.name:
            importlib.import_module(module.name)
for name in sojourn.__all__:
    getattr(sojourn, name)
async def main(name):
    app = AppInfo("x", "1", 1)
    async with Client("k", sys.argv[1], profile="desktop", storage=sys.argv[2], strict=True,
                      app=app) as c:
        c.track(name, {"at": datetime.datetime.now(), "nan": float("nan")})
        c.identify("u", {"x": 1})
        assert await c.aflush()
        with c.session(), c.scope(context={"a": 1}):
            c.page("p")
    assert c.stats.sent == 3 and c.stats.dropped == 0, c.stats
asyncio.run(main("one"))
asyncio.run(main("two"))
c = Client("k", sys.argv[1])
c.track("at the end", user_id="u")
"""


def interpreter(version: str) -> str | None:
    """A Python of this version on the path or under pyenv."""
    on_path = shutil.which(f"python{version}")
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for found in (*(map(str, installed)), *((on_path,) if on_path else ())):
        asked = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if asked.stdout.startswith(f"Python {version}."):
            return found
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sdk_runs_on(version: str, stub: Any, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    command = [python, "-W", "error", "-c", CODE, stub.url, str(tmp_path / "data")]
    environment = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert stub.names == ["one", "identify", "page", "two", "identify", "page", "at the end"]
    assert len({event["context"]["sessionId"] for event in stub.accepted[0:2]}) == 1
