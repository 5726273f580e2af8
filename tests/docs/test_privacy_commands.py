"""The commands of the guide to forgetting people run, in its order."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

from .commands import ROOT, blocks, said_by


def run(command: str, folder: Path) -> str:
    return said_by(command, "--data-dir", folder)


def test_the_commands_of_the_guide_run(demo_folder: Path, tmp_path: Path) -> None:
    user = run("sojourn sql 'SELECT max(user_id) AS u FROM sessions' --json", demo_folder)
    name = json.loads(user.splitlines()[0])["u"]
    # A folder of its own, without a server: the demo's is for the other documents as well.
    folder = tmp_path / "data"
    shutil.copytree(demo_folder, folder, ignore=shutil.ignore_patterns("serve.json", "lock"))
    for command in "".join(blocks(ROOT / "docs" / "privacy.md", "console")).splitlines():
        assert command.startswith("$ sojourn forget ")
        assert run(command.removeprefix("$ ").replace("user-17", shlex.quote(name)), folder).strip()
    (receipt,) = run("sojourn forget --receipts --json", folder).splitlines()
    assert json.loads(receipt)["complete"]
    count = f"SELECT count(*) AS n FROM sessions WHERE user_id = '{name}'"
    left = run(f'sojourn sql "{count}" --json', folder)
    assert json.loads(left.splitlines()[0])["n"] == 0
