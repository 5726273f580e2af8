"""An erasure that is killed at any moment goes on, and ends as one that was not."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sojourn.app.data_directory import DataDirectory
from sojourn.app.platform import Platform
from sojourn.app.replay import replay
from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.ports import RAW, Entry
from sojourn.core.source import Source
from sojourn.insights.sessions import SessionModel
from sojourn.log import SqliteLog
from sojourn.log.clock import WallClock
from sojourn.settings import load
from sojourn.warehouse.duckdb import DuckDBTables

from ..program import Done, run

WORKER = Path(__file__).with_name("erasing_worker.py")
START = 1_795_518_460_000


def body(number: int) -> bytes:
    """A request of some events: of two people, on a device each, and on one that they share."""
    user, device = [("anna", "d1"), (None, "d1"), ("bert", "d2"), ("bert", "d3"), ("anna", "d3")][
        number % 5
    ]
    event: dict[str, Any] = {"type": "track", "event": "Opened", "anonymousId": device}
    event |= {"userId": user} if user else {}
    event["properties"] = {"note": f"note-of-{user or 'anna'}", "number": number}
    mate = {"type": "page", "name": "Home", "anonymousId": "d9", "userId": "carl"}
    return json.dumps({"batch": [event, mate]}).encode()


async def fill(folder: Path) -> None:
    directory = DataDirectory(folder)
    directory.lock()
    platform = Platform(load(None, {}, {"data_dir": str(folder)}), directory)
    entries = [
        Entry(
            "k",
            pack_request(RequestMeta("default", START + n, "1.2.3.4", "batch", f"b{n}"), body(n)),
        )
        for n in range(40)
    ]
    await platform.log.append(RAW, entries)
    await platform.catch_up()
    await platform.close()
    directory.release()


def rows_of(tables: DuckDBTables) -> dict[str, list[str]]:
    """The rows of all tables, without the times of loading."""
    found: dict[str, list[str]] = {}
    named = tables.query("SELECT schema_name, table_name FROM duckdb_tables()").to_pylist()
    for schema, table in (tuple(row.values()) for row in named):
        rows = tables.query(f'SELECT * FROM "{schema}"."{table}"').to_pylist()
        kept = [{k: str(v) for k, v in row.items() if k != "uuid_ts"} for row in rows]
        found[f"{schema}.{table}"] = sorted(json.dumps(row, sort_keys=True) for row in kept)
    return found


async def contents(folder: Path) -> dict[str, Any]:
    """The tables, the events and the receipts (without ids and times)."""
    directory = DataDirectory(folder)
    directory.lock()
    platform = Platform(load(None, {}, {"data_dir": str(folder)}), directory)
    found: dict[str, Any] = {}
    found |= rows_of(platform.tables)
    entries = await platform.log.reader("events", "").read(1 << 30, 0)
    found["log"] = [entry.value for entry in entries]
    found["open"] = platform.erasures.open_jobs()
    found["receipts"] = [
        (one.users, one.complete, [(p.kind, p.state, p.deleted) for p in one.places
                                   if p.kind != "state"])
        for one in platform.erasures.receipts()
    ]  # fmt: skip
    await platform.close()
    directory.release()
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "data"
    asyncio.run(fill(folder))
    return folder


def erase(folder: Path, kill_at: int) -> Done:
    return run(folder, str(kill_at), script=WORKER)


def test_an_erasure_that_is_killed_at_any_moment_ends_as_one_that_was_not(
    filled: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(filled, whole)
    done = erase(whole, 0)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    expected = asyncio.run(contents(whole))
    assert expected["open"] == []
    assert len(expected["receipts"]) == 1
    assert all(b"note-of-anna" not in value for value in expected["log"])
    assert any(b"note-of-bert" in value for value in expected["log"])
    # From the moment that the order is taken; each folder is killed at several moments.
    rounds = 2
    moments = list(range(4, steps + 1))
    for first in range(rounds):
        folder = tmp_path / f"killed{first}"
        shutil.copytree(filled, folder)
        kills = 0
        for at in moments[first::rounds]:
            kills += erase(folder, at).returncode == -signal.SIGKILL
            if not asyncio.run(contents(folder))["open"] and kills:
                break
        assert kills
        while asyncio.run(contents(folder))["open"]:
            assert erase(folder, 0).returncode == 0
        found = asyncio.run(contents(folder))
        assert found == expected
        held = b"".join(path.read_bytes() for path in folder.iterdir())
        assert b"note-of-anna" not in held
        assert b"anna" not in msgspec.json.encode(found["receipts"])


def test_replaying_what_is_left_of_raw_gives_the_erased_tables(
    filled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    assert erase(folder, 0).returncode == 0
    expected = asyncio.run(contents(folder))
    rebuilt = asyncio.run(replayed(folder))
    for name, rows in rebuilt.items():
        assert expected[name] == rows, name
    assert {name for name, rows in expected.items() if rows and "." in name} - rebuilt.keys() <= {
        "sojourn.known_ids"
    }


async def replayed(folder: Path) -> dict[str, list[str]]:
    """The tables that a replay of the folder's raw stream makes."""
    log = SqliteLog(folder / "log.db")
    source = Source("default", "default", "k")
    tables = DuckDBTables(None, lambda name: source, SessionModel(lambda name: source))
    await replay(log, tables, WallClock(), 0, 1 << 60)
    found = rows_of(tables)
    tables.close()
    await log.close()
    return found
