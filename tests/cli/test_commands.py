"""What the command line promises: clear words, no tracebacks, output for machines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ..program import SOJOURN, Done
from ..program import run as run_program
from .conftest import environment


def run(*arguments: str | Path, cwd: Path, **environ: str) -> Done:
    return run_program(*arguments, cwd=cwd, env=environment() | environ)


def test_the_installed_program_starts(tmp_path: Path) -> None:
    said = subprocess.run(
        [SOJOURN, "status"], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )
    assert (said.returncode, said.stdout) == (1, b"")
    assert b"there is no data folder sojourn-data" in said.stderr


def test_every_command_explains_itself(tmp_path: Path) -> None:
    listed = run("--help", cwd=tmp_path)
    assert listed.returncode == 0
    for command in ("serve", "demo", "sessions", "session", "export", "report", "sql", "send"):
        assert command in listed.stdout
        shown = run(command, "--help", cwd=tmp_path)
        assert shown.returncode == 0, shown.stderr
        assert "Usage" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sessions"], "there is no data folder sojourn-data"),
        (["export", "events", "--data-dir", "nowhere"], "there is no data folder nowhere"),
        (["serve", "--config", "nowhere.toml"], "leave --config out"),
        (["serve", "--port", "1", "--host", "203.0.113.1"], "choose another"),
        (["send", "track", "X"], "Name --user-id or --anonymous-id"),
        (["send", "track", "X", "--user-id", "u", "--properties", "["], "is not JSON"),
        (["send", "track", "X", "--user-id", "u", "--properties", "[]"], "is no JSON object"),
        (["send", "track", "X", "--user-id", "u"], "start `sojourn serve` first"),
        (["demo"], "start `sojourn serve` first"),
    ],
)
def test_a_mistake_ends_in_one_sentence_with_the_fix(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_config_shows_what_is_in_force_and_masks_secrets(tmp_path: Path) -> None:
    (tmp_path / "sojourn.toml").write_text(
        """
        [settings]
        port = 9000
        [[sources]]
        name = "shop"
        write_key = "env:SHOP_KEY"
        timeout = "45m"
        [[destinations]]
        type = "webhook"
        url = "https://example.com/hook"
        signing_secret = "very-secret-value"
        headers = [{ api_key = "another-secret" }]
        """
    )
    secrets = ("shop-write-key-1", "very-secret-value", "another-secret")
    for option in ("--json", None):
        shown = run("config", *([option] if option else []), cwd=tmp_path, SHOP_KEY=secrets[0])
        assert shown.returncode == 0, shown.stderr
        assert not any(secret in shown.stdout for secret in secrets)
        assert "https://example.com/hook" in shown.stdout
    as_json = json.loads(run("config", "--json", cwd=tmp_path, SHOP_KEY=secrets[0]).stdout)
    assert as_json["settings"]["port"] == 9000
    assert as_json["sources"][0]["timeout"] == "45m"


def test_an_empty_data_folder_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "sojourn-data").mkdir()
    for arguments in (["export", "events", "--json"], ["export", "sessions", "--json"]):
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
