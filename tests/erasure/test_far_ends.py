"""Other warehouses and destinations: what an erasure does there, and while they are away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sojourn.app.data_directory import DataDirectory
from sojourn.app.erasure.elsewhere import Patience, RemoteErasure
from sojourn.app.erasure.jobs import Job, Jobs, Order, Place
from sojourn.app.platform import Platform
from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.erasure import People
from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry
from sojourn.core.ports import RAW, Entry
from sojourn.log import SqliteStateStore
from sojourn.log.clock import WallClock
from sojourn.settings import load
from sojourn.testing.postgres_server import postgres_server

START = 1_795_518_460_000


class FarEnds:
    """Answers as told, the last answer for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def _answer(self) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def erase(self, warehouse: str, people: People) -> Mapping[str, int]:
        self.asked.append((warehouse, people.user_ids))
        found: Mapping[str, int] = self._answer()
        return found

    async def forget(self, destination: str, users: list[Mapping[str, Any]]) -> Outcome:
        self.asked.append((destination, users))
        outcome: Outcome = self._answer()
        return outcome


@pytest.fixture
def finish(tmp_path: Path) -> Callable[..., Any]:
    """Finishes a job of one place; returns the place as it is stored then, if the job is open."""

    async def run(kind: str, far_ends: FarEnds, attempts: int = 0) -> tuple[bool, Place]:
        state = SqliteStateStore(tmp_path / "state.db", WallClock())
        jobs = Jobs(state)
        place = Place(kind, "far")
        order = Order([{"userId": "anna", "email": "anna@example.org"}])
        job = Job("era_1", order, "reg_1", START, [place], files_clean=True)
        jobs.save(job)
        patience = Patience(0.001, attempts)
        remote = RemoteErasure(far_ends, jobs, WallClock(), lambda step: None, patience)
        done = await remote.run(job, asyncio.Event())
        (stored,) = jobs.open()
        state.close()
        return done, stored.place(kind, "far")

    return run


async def test_a_destination_that_asks_to_wait_is_asked_again(finish: Callable[..., Any]) -> None:
    far_ends = FarEnds(Retry("busy", 0.001), Retry("busy"), Delivered())
    done, place = await finish("destination", far_ends)
    assert done
    assert (place.state, place.attempts, place.deleted) == ("done", 2, {"users": 1})
    assert far_ends.asked[0] == ("far", [{"userId": "anna", "email": "anna@example.org"}])


async def test_a_destination_has_failed_after_four_attempts(finish: Callable[..., Any]) -> None:
    done, place = await finish("destination", FarEnds(Retry("busy")))
    assert done
    assert (place.state, place.attempts, place.reason) == ("failed", 4, "busy")


async def test_a_refusal_is_final_and_in_the_receipt(finish: Callable[..., Any]) -> None:
    done, place = await finish("destination", FarEnds(Rejected("no deletion here")))
    assert done
    assert (place.state, place.attempts, place.reason) == ("failed", 1, "no deletion here")


async def test_a_warehouse_that_is_away_is_waited_for(finish: Callable[..., Any]) -> None:
    away = WarehouseUnavailable("connection refused")
    done, place = await finish("warehouse", FarEnds(*[away] * 6, {"shop.tracks": 3}))
    assert done
    assert (place.state, place.deleted) == ("done", {"shop.tracks": 3})
    done, place = await finish("warehouse", FarEnds(away), 2)
    assert not done
    assert place.state == "waiting"
    done, place = await finish("warehouse", FarEnds(InvalidSettings("cannot delete rows")))
    assert done
    assert place.state == "failed"


def requests(people: list[tuple[int, str, str]]) -> list[Entry]:
    """Two events of each user, one of each nobody: by number, user and device."""
    found = []
    for number, user, device in people:
        event: dict[str, Any] = {"type": "track", "event": "Opened", "anonymousId": device}
        event |= {"messageId": f"m{number}", "properties": {"note": f"note of {user}"}}
        event |= {"userId": user} if user else {}
        traits = {"email": f"{user}@example.org"}
        identify = {"type": "identify", "userId": user, "messageId": f"i{number}"}
        identify |= {"anonymousId": device, "context": {"traits": traits}}
        batch = [event, identify] if user else [event]
        meta = RequestMeta("shop", START + 60_000 * number, "1.2.3.4", "batch", f"b{number}")
        found.append(Entry("k", pack_request(meta, json.dumps({"batch": batch}).encode())))
    return found


@asynccontextmanager
async def platform_on(folder: Path, url: str, people: list[Any]) -> AsyncIterator[Platform]:
    """A platform whose second warehouse is PostgreSQL, with everything loaded into both."""
    config = folder.with_suffix(".toml")
    config.write_text(
        '[[sources]]\nname = "shop"\nwrite_key = "k-shop-0123456789"\n'
        f'[[warehouses]]\nname = "pg"\ntype = "postgres"\nurl = "{url}"\ninterval = "100ms"\n'
    )
    directory = DataDirectory(folder)
    directory.lock()
    platform = Platform(load(config, {}, {"data_dir": str(folder)}), directory)
    platform.warehouses.open()
    stop = asyncio.Event()
    await platform.log.append(RAW, requests(people))
    running = asyncio.create_task(platform.run(stop))
    try:
        yield platform
    finally:
        stop.set()
        await running
        await platform.close()
        directory.release()


def tables_of(url: str) -> dict[str, list[str]]:
    found = {}
    with psycopg.connect(url) as connection:
        named = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema IN ('shop', 'sojourn')"
        ).fetchall()
        for schema, table in named:
            cursor = connection.execute(f'SELECT * FROM "{schema}"."{table}"')
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            kept = [{k: str(v) for k, v in row.items() if k != "uuid_ts"} for row in rows]
            if kept:
                found[f"{schema}.{table}"] = sorted(json.dumps(r, sort_keys=True) for r in kept)
    return found


async def until(probe: Callable[[], Any], seconds: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await asyncio.to_thread(probe):
        assert asyncio.get_running_loop().time() < deadline, "it did not come about"
        await asyncio.sleep(0.1)


async def test_postgresql_then_has_what_it_would_have_without_the_person(tmp_path: Path) -> None:
    people = ["anna d1", " d1", "bert d2", "anna d2", "bert d3", " d3", " d2", "carl d4"]
    everybody = [(number, *one.split(" ")) for number, one in enumerate(people)]
    others = [one for one in everybody if one[1] != "anna" and one[1:] != ("", "d1")]
    with postgres_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for name in ("erased", "clean"):
                connection.execute(f"CREATE DATABASE {name}")
        erased, clean = (server.url.replace("/postgres", f"/{n}") for n in ("erased", "clean"))

        def sessions(url: str, count: int) -> bool:
            return len(tables_of(url).get("sojourn.session_events", ())) == count

        async with platform_on(tmp_path / "one", erased, everybody) as platform:
            await until(lambda: sessions(erased, 13))
            job = platform.erasures.order(Order([{"userId": "anna"}]))
            last = [progress async for progress in platform.erasures.watch(job.id)][-1]
            assert last["receipt"]["complete"]
            (place,) = [one for one in last["receipt"]["places"] if one["kind"] == "warehouse"]
            assert place["deleted"]["shop.tracks"] == 3
            assert place["deleted"]["shop.users"] == 1
        async with platform_on(tmp_path / "two", clean, others) as platform:
            await until(lambda: sessions(clean, 8))
        found = tables_of(erased)
        assert found.keys() >= {"shop.users", "shop.opened", "sojourn.sessions"}
        assert found == tables_of(clean)
