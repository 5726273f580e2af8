"""Every dialect's script: whole, and in words of that dialect."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from typer.testing import CliRunner

from sojourn.cli.commands import app
from sojourn.core.errors import InvalidSettings
from sojourn.insights.engines.rebuild import Rules
from sojourn.insights.engines.rendering import ENGINES
from sojourn.insights.engines.script import script


@pytest.mark.parametrize("dialect", sorted(ENGINES))
def test_every_dialect_has_a_script_without_what_only_duckdb_knows(dialect: str) -> None:
    text = script(dialect, own={"a'b": Rules(60_000, 120_000)})
    assert "'a''b'" in text or "'a\\'b'" in text
    for word in ("BY NAME", "rowid", "EXCLUDE", "EXCEPT (", "temp."):
        assert word not in text
    if dialect != "duckdb":
        assert "epoch_ms(" not in text.lower()
        assert "make_timestamp_ms" not in text.lower()


def test_a_dialect_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidSettings, match=r"'oracle' is unknown; there are: .*postgres"):
        script("oracle")


@pytest.mark.parametrize("dialect", sorted(ENGINES))
def test_the_command_prints_a_script_that_can_be_taken_apart(
    dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["warehouse", "models", "--dialect", dialect])
    assert done.exit_code == 0
    parts = done.stdout.split(";\n")
    assert parts[-1] == ""
    assert len(parts) > 30
    for part in parts[:-1]:
        assert len([one for one in sqlglot.parse(part, read=dialect) if one]) == 1
    assert not list(tmp_path.iterdir())
