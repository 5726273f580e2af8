"""A console over reports of fixed figures, served for real on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from sojourn.console import Console, ConsoleSettings
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.log import SqliteStateStore

NOW_MS = 1_795_520_000_000
DAYS = [f"2026-11-{day:02d}" for day in range(10, 24)]
EVIL = "<img src=x onerror=alert(1)>"
PERIOD = (
    Parameter("from", "First day, such as 2026-11-10."),
    Parameter("to", "Last day."),
    Parameter("source", "Id of a source."),
    Parameter("channel", "One of the channels."),
    Parameter("browser", "Name of a browser."),
    Parameter("traffic", "Who.", "human", ("human", "bot", "ai_agent", "all")),
)
CHANNELS = [("Organic Search", 612), ("Direct", 540), ("Paid Search", 221), ("Email", 180)]


def session_row(number: int) -> dict[str, Any]:
    return {
        "session_key": f"{number:016x}",
        "start_time": f"2026-11-23T{number % 24:02d}:{number % 60:02d}:07.120Z",
        "person": EVIL if number == 3 else f"user-{1000 + number}",
        "visitor_id": f"v-{number}",
        "is_new": number % 3 == 0,
        "entry_page": "/p/:id" if number % 2 else "/",
        "exit_page": "/cart",
        "channel": CHANNELS[number % 4][0],
        "platform": "web",
        "browser": "Safari" if number % 2 else "Chrome",
        "os": "iOS" if number % 2 else "Windows",
        "duration": 37.0 * number,
        "engaged": 12.0 * number,
        "views": number % 7 + 1,
        "events": number % 9 + 3,
        "conversions": int(number % 8 == 0),
        "errors": int(number % 11 == 0),
        "revenue": 219.0 if number % 8 == 0 else 0.0,
        "state": "errored" if number % 11 == 0 else "ok",
        "traffic_class": "human",
    }


SESSIONS = [session_row(number) for number in range(1, 121)]


class FakeReports:
    """Answers as the insights do, with figures that never change."""

    def __init__(self) -> None:
        self._made = {
            "overview": self._overview, "trend": self._trend, "breakdown": self._breakdown,
            "sessions": self._sessions, "session": self._session, "live": self._live,
            "journeys": self._journeys, "funnel": self._funnel, "retention": self._retention,
            "problems": self._problems, "friction": self._friction,
            "opportunities": self._opportunities, "health": self._health,
        }  # fmt: skip
        own: dict[str, tuple[Parameter, ...]] = {
            "breakdown": (Parameter("by", "Dimension.", "channel"), Parameter("limit", "Rows.")),
            "sessions": (Parameter("limit", "Rows.", "50"), Parameter("offset", "Skipped.", "0")),
            "session": (Parameter("key", "The session's key."),),
            "funnel": (Parameter("steps", "Names, separated by commas."),),
            "journeys": (Parameter("anchor", "Where to begin."),),
        }
        self._specs = [
            ReportSpec(name, name.title(), f"What {name} means.", PERIOD + own.get(name, ()))
            for name in self._made
        ]

    def describe(self) -> Sequence[ReportSpec]:
        return self._specs

    def run(self, name: str, parameters: Mapping[str, str]) -> Report:
        spec = next(one for one in self._specs if one.name == name)
        known = {parameter.name for parameter in spec.parameters}
        for given in parameters:
            if given not in known:
                raise InvalidSettings(f"{name} has no parameter '{given}'")
        if "boom" in parameters.values():
            raise RuntimeError("boom")
        if parameters.get("from", "2026-01-01") < "2000":
            raise InvalidSettings("from is before 2000; choose a later day")
        return self._made[name](spec, parameters)

    def _overview(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        rows = [
            ("sessions", 1553, 1398), ("people", 500, 470), ("engagement_rate", 0.64, 0.66),
            ("bounce_rate", 0.36, 0.34), ("median_duration", 96.4, 96.0),
            ("engaged", 71.0, 80.0), ("views_per_session", 3.42, 3.4), ("revenue", 48211.5, None),
        ]  # fmt: skip
        behind: list[Mapping[str, str] | None] = [{"channel": "Direct"}] * len(rows)
        return Report(spec, ("metric", "value", "previous"), rows, behind, "SELECT 1")

    def _trend(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        rows = [(day, 90 + 7 * (n % 5) + 2 * n, 85 + n) for n, day in enumerate(DAYS)]
        behind = [{"from": day, "to": day} for day in DAYS]
        return Report(spec, ("day", "sessions", "previous"), rows, behind)

    def _breakdown(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        by = given.get("by", "channel")
        rows = [(name, count, round(count * 0.4), 0.61) for name, count in CHANNELS]
        behind = [{"channel": name} for name, _ in CHANNELS]
        return Report(spec, (by, "sessions", "people", "engagement_rate"), rows, behind)

    def _sessions(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        found = [
            one
            for one in SESSIONS
            if all(one.get(k) == v for k, v in given.items() if k in ("channel", "browser"))
        ]
        offset, limit = int(given.get("offset", "0")), int(given.get("limit", "50"))
        rows = [tuple(one.values()) for one in found[offset : offset + limit]]
        return Report(spec, tuple(SESSIONS[0]), rows, (), "", {"total": len(found)})

    def _live(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        return Report(spec, tuple(SESSIONS[0]), [tuple(one.values()) for one in SESSIONS[:5]])

    def _session(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        found = next((one for one in SESSIONS if one["session_key"] == given.get("key")), None)
        if found is None:
            raise InvalidSettings(f"there is no session '{given.get('key')}'")
        columns = ("event_time", "type", "name", "path", "gap", "is_error", "marks", "properties")
        at = "2026-11-23T10:{}Z"
        rows = [
            (at.format("00:01.000"), "page", "Home", "/", None, False, (), "{}"),
            (at.format("00:31.500"), "page", "Product", "/p/te-101", 30.5, False, (), "{}"),
            (at.format("04:00.000"), "track", "Product Added", "", 208.5, False, (), EVIL),
            (
                at.format("04:01.000"),
                "track",
                "Element Clicked",
                "",
                1.0,
                False,
                ("rage_click",),
                "",
            ),
            (at.format("04:01.100"), "track", "Error Occurred", "", 0.1, True, (), ""),
        ]
        return Report(spec, columns, rows, (), "", {"session": found})

    def _journeys(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        rows = [
            (1, "(entry)", "/", 700), (1, "(entry)", "/p/:id", 300), (2, "/", "/c/tents", 400),
            (2, "/", "(exit)", 300), (2, "/p/:id", "/cart", 200), (2, "/p/:id", "(exit)", 100),
            (3, "/c/tents", "/p/:id", 250), (3, "/c/tents", "(exit)", 150),
            (3, "/cart", "/checkout", 120), (3, "/cart", "(other)", 80),
        ]  # fmt: skip
        behind = [{"channel": "Direct"}] * len(rows)
        return Report(spec, ("step", "source", "target", "sessions"), rows, behind)

    def _funnel(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        names = [one for one in given.get("steps", "").split(",") if one]
        if len(names) < 2:
            return Report(spec, ("step", "sessions", "drop"), [])
        rows = [(name, 1000 // (n + 1), 1000 // (n + 1) // 3) for n, name in enumerate(names)]
        return Report(spec, ("step", "sessions", "drop"), rows, [{"browser": "Safari"}] * len(rows))

    def _retention(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        rows = [
            (day, 40 + n, period, round(0.9**period * 0.5, 3))
            for n, day in enumerate(DAYS[:7])
            for period in range(7 - n)
        ]
        behind = [{"from": row[0]} for row in rows]
        return Report(spec, ("cohort", "size", "period", "rate"), rows, behind)

    def _problems(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        title = "Payment Info Entered on Safari iOS fell from 88 % to 24 % on 19 November"
        row = (title, "Payment Info Entered", "browser=Safari", -0.64, -0.78, -0.51, 59, DAYS[9])
        columns = ("title", "step", "segment", "effect", "low", "high", "sessions", "onset")
        return Report(spec, columns, [row], [{"browser": "Safari"}])

    def _friction(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        rows = [("rage_click", 41, 0.026), ("error_exit", 12, 0.008)]
        return Report(spec, ("signal", "sessions", "share"), rows, [{"browser": "Safari"}] * 2)

    def _opportunities(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        return Report(spec, ("segment", "sessions", "gain_per_day"), [])

    def _health(self, spec: ReportSpec, given: Mapping[str, str]) -> Report:
        rows = [("default", 16851, 0.0, 0.002), ("app", 2981, 0.01, 0.0)]
        return Report(spec, ("source", "events", "null_id_share", "late_share"), rows)


def fake_status() -> dict[str, Any]:
    return {
        "sources": [{"id": "default", "name": "default", "platform": "web", "events": 16851}],
        "readers": {
            "processor": {"entries": 0, "seconds": 0.0},
            "warehouse": {"entries": 12, "seconds": 0.4},
        },
        "destinations": [
            {"name": "hook", "lag_entries": 3, "lag_seconds": 1.5, "delivered": 900, "dead": 2}
        ],
        "warehouse": {"tables": {"tracks": {"rows": 6000}, "sessions": {"rows": 2257}}},
    }


class Clock:
    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Served:
    """A console on a port of its own."""

    console: Console
    url: str
    clock: Clock
    password: str
    done: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve(path: Path, settings: ConsoleSettings, **more: Any) -> Iterator[Served]:
    clock = Clock()
    store = SqliteStateStore(path / "state.db", clock)
    done: list[str] = []

    def replay(given: Mapping[str, str]) -> str:
        done.append(given["destination"])
        return f"replayed {given['destination']}"

    options: dict[str, Any] = {
        "write_key": lambda source: "secret-key-1",
        "recent_events": lambda: [
            {"at": NOW_MS, "source": "default", "type": "track", "name": "Hello", "error": ""}
        ],
        "operations": {"replay": replay},
    } | more
    console = Console(FakeReports(), fake_status, settings, store, clock, **options)
    made = console.accounts.first_start()
    assert made is not None
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(console, lifespan="off", log_config=None, timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield Served(console, url, clock, made[1], done)
    finally:
        console.stop()
        server.should_exit = True
        thread.join(10)
        listener.close()
        store.close()


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with a login."""
    with serve(tmp_path_factory.mktemp("closed"), ConsoleSettings()) as served:
        yield served


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console that is open to this machine."""
    with serve(tmp_path_factory.mktemp("opened"), ConsoleSettings(open_access=True)) as served:
        yield served


@pytest.fixture
def serve_console(
    tmp_path: Path,
) -> Callable[[ConsoleSettings], contextlib.AbstractContextManager[Served]]:
    """Serves one more console, with these settings."""
    return lambda settings: serve(tmp_path, settings)
