"""One process at a time has a data folder, and others find its server."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.core.errors import DataDirectoryInUse, InvalidSettings


def test_a_second_process_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path / "data")
    first.lock()
    with pytest.raises(DataDirectoryInUse, match="--data-dir"):
        DataDirectory(tmp_path / "data").lock()
    first.release()
    second = DataDirectory(tmp_path / "data")
    second.lock()
    second.release()


def test_a_file_in_the_place_of_the_folder_is_said_to_be_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for use in (
        DataDirectory(tmp_path / "data").lock,
        DataDirectory(tmp_path / "data").running_server,
    ):
        with pytest.raises(InvalidSettings, match="--data-dir"):
            use()


def test_a_lock_that_cannot_be_opened_is_said_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "data" / "lock").mkdir(parents=True)
    with pytest.raises(InvalidSettings, match="this user may write"):
        DataDirectory(tmp_path / "data").lock()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from sojourn.app.data_directory import DataDirectory\n"
        "DataDirectory(Path(sys.argv[1])).lock(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert killed.returncode == -9
    directory = DataDirectory(tmp_path)
    directory.lock()
    directory.release()


def test_the_write_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    key, made = directory.write_key()
    assert made
    assert DataDirectory(tmp_path).write_key() == (key, False)
    assert stat.S_IMODE((tmp_path / "write_key").stat().st_mode) == 0o600


def test_a_server_is_found_while_it_has_the_folder(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    assert directory.running_server() is None
    directory.lock()
    running = RunningServer("http://127.0.0.1:1", "token", os.getpid())
    assert directory.running_server() is None, "it does not listen yet"
    directory.announce(running)
    assert DataDirectory(tmp_path).running_server() == running
    directory.release()
    assert directory.running_server() is None


def test_what_a_killed_server_left_behind_is_not_believed(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.lock()
    directory.release()
    directory.announce(RunningServer("http://127.0.0.1:1", "token", os.getpid()))
    assert directory.running_server() is None


def test_a_folder_that_cannot_be_made_is_said_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSettings, match="name another one with --data-dir"):
        DataDirectory(tmp_path / "file" / "data").lock()
