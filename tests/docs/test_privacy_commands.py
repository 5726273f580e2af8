"""The commands of the guide to forgetting people run, in its order."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GUIDE = Path(__file__).parent.parent.parent / "docs" / "privacy.md"
SOJOURN = Path(sys.executable).with_name("sojourn")
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


def shown() -> Iterator[str]:
    for block in _CONSOLE.findall(GUIDE.read_text(encoding="utf-8")):
        yield from (line.removeprefix("$ ") for line in block.splitlines())


def run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    done = subprocess.run(
        [SOJOURN, *words[1:], "--data-dir", folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.xdist_group("demo")
def test_the_commands_of_the_guide_run(demo_folder: Path, tmp_path: Path) -> None:
    user = run("sojourn sql 'SELECT max(user_id) AS u FROM sessions' --json", demo_folder)
    name = json.loads(user.splitlines()[0])["u"]
    # A folder of its own, without a server: the demo's is for the other documents as well.
    folder = tmp_path / "data"
    shutil.copytree(demo_folder, folder, ignore=shutil.ignore_patterns("serve.json", "lock"))
    for command in shown():
        assert command.startswith("sojourn forget ")
        assert run(command.replace("user-17", shlex.quote(name)), folder).strip()
    (receipt,) = run("sojourn forget --receipts --json", folder).splitlines()
    assert json.loads(receipt)["complete"]
    count = f"SELECT count(*) AS n FROM sessions WHERE user_id = '{name}'"
    left = run(f'sojourn sql "{count}" --json', folder)
    assert json.loads(left.splitlines()[0])["n"] == 0
