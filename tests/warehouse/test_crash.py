"""Killed at random moments under load: nothing accepted is missing, nothing is doubled."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

from sojourn.core.ports import RAW, Entry

from ..program import printed_before_kill

WORKER = Path(__file__).with_name("worker_under_load.py")
ROUNDS = 10


def load_worker():
    spec = importlib.util.spec_from_file_location("worker_under_load", WORKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_and_kill(directory: Path, round_: int, seconds: float) -> int:
    """How many requests were acknowledged before the process was killed."""
    lines = printed_before_kill(WORKER, directory, str(round_), seconds=seconds)
    return len([line for line in lines if line.isdigit()])


async def clean_load(worker, log, directory):
    """The same requests in a directory that never crashed."""
    parts = worker.Parts(directory)
    reader = log.reader(RAW, "copy")
    while stored := await reader.read(1 << 20, 0):
        await parts.log.append(RAW, [Entry("k", entry.value) for entry in stored])
    await parts.processor.drain()
    await parts.loader.drain()
    return parts


@pytest.mark.slow
async def test_ten_kills_under_load_lose_and_double_nothing(tmp_path, dump):
    worker = load_worker()
    moments = random.Random(2026)
    crashed, clean = tmp_path / "crashed", tmp_path / "clean"
    crashed.mkdir()
    clean.mkdir()
    accepted = [
        run_and_kill(crashed, round_, moments.uniform(0.05, 0.9)) for round_ in range(ROUNDS)
    ]
    after = worker.Parts(crashed)
    await after.processor.drain()
    await after.loader.drain()
    beside = await clean_load(worker, after.log, clean)
    try:
        ids = after.tables.query(
            "SELECT id FROM web.tracks UNION ALL SELECT id FROM web.identifies"
        ).column("id")
        assert len(ids) == len(set(ids.to_pylist()))
        expected = {
            f"{round_}-{number}-{n}"
            for round_, count in enumerate(accepted)
            for number in range(count)
            for n in range(9)
        }
        assert expected <= set(ids.to_pylist())
        assert len(expected) > 500
        assert dump(after.tables) == dump(beside.tables)
    finally:
        await after.close()
        await beside.close()
