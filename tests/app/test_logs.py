"""Which log the settings choose, and what is said where they cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sojourn.app.data_directory import DataDirectory
from sojourn.app.logs import described_log, open_log
from sojourn.core.errors import InvalidSettings, MissingPart
from sojourn.log import SqliteLog
from sojourn.settings import load
from sojourn.testing.nats_server import NatsServerProcess, nats_server

WITHOUT_NATS = """
import sys
from pathlib import Path

sys.modules["nats"] = None
from sojourn.app.data_directory import DataDirectory
from sojourn.app.logs import open_log
from sojourn.core.errors import MissingPart
from sojourn.settings import load

try:
    open_log(load(None, {"SOJOURN_LOG": "nats://host"}), DataDirectory(Path(sys.argv[1])))
except MissingPart as missing:
    print(missing)
"""


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    (tmp_path / "data").mkdir()
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def server() -> Iterator[NatsServerProcess]:
    try:
        with nats_server("authorization { token: geheimnis }") as running:
            yield running
    except MissingPart as missing:
        pytest.skip(str(missing))


async def test_without_a_setting_the_log_is_the_file_in_the_folder(
    directory: DataDirectory,
) -> None:
    log = open_log(load(None, {}), directory)
    assert isinstance(log, SqliteLog)
    assert directory.log.exists()
    assert described_log(load(None, {}), log) == {"kind": "sqlite", "where": "log.db"}
    await log.close()


async def test_a_log_on_nats_takes_its_secrets_from_the_environment(
    directory: DataDirectory, server: NatsServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    directory.log.touch()
    environ = {
        "SOJOURN_LOG": f"{server.url}/shop",
        "SOJOURN_NATS_TOKEN": "env:TOKEN",
        "TOKEN": "geheimnis",
    }
    configuration = load(None, environ)
    log = open_log(configuration, directory)
    described = described_log(configuration, log)
    assert described["kind"] == "nats"
    assert described["where"].startswith(f"{server.url}/shop (nats-server ")
    assert "from before is not read" in caplog.text, "there is a log.db"
    await log.close()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SOJOURN_LOG": "kafka://host"}, "write sqlite, or nats://host:4222"),
        (
            {"SOJOURN_LOG": "nats://host", "SOJOURN_NATS_REPLICAS": "2"},
            "nats_replicas is 2; it must be 1, 3 or 5",
        ),
        ({"SOJOURN_LOG": "nats://u:p@host"}, "nats_user and nats_password"),
    ],
)
def test_wrong_settings_are_said_with_the_fix(
    directory: DataDirectory, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        open_log(load(None, environ), directory)


def test_without_its_extra_the_command_that_installs_it_is_said(
    directory: DataDirectory,
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_NATS, str(directory.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install 'sojourn[nats]'" in told.stdout
