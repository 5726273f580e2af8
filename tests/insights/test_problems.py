"""The scan finds planted incidents with their segment and day, and nothing where nothing is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sojourn.insights.statistics import difference, discoveries, scan, wilson

BEGIN = datetime.fromisoformat("2026-03-02")
DAYS = 35
STEPS = ("home", "product", "cart", "checkout", "payment")
ON = np.array([0.7, 0.6, 0.7, 0.8, 0.75])
"""The share that goes on from each step; the last is the conversion."""


class Visitors:
    """Sessions of a shop, straight into the tables.

    `incident` is (step, device, first day, days).
    """

    def __init__(self, seed: int, sessions: int = 7000) -> None:
        self.chance = np.random.default_rng(seed)
        self.sessions = sessions
        self.incident: tuple[int, str | None, int, int] | None = None

    def plant(self) -> None:
        step = int(self.chance.integers(1, len(STEPS)))
        device = [None, "mobile", "desktop"][int(self.chance.integers(0, 3))]
        first, days = int(self.chance.integers(8, 24)), int(self.chance.integers(5, 10))
        self.incident = (step, device, first, days)

    def load(self, connection: Any) -> None:
        count, draw = self.sessions, self.chance.random
        day = (draw(count) * DAYS).astype(int)
        device = np.where(draw(count) < 0.4, "mobile", "desktop")
        columns = {
            "session_key": [f"{n:016x}" for n in range(count)],
            "person": [f"p{n % 3000}" for n in range(count)],
            "start_time": [BEGIN + timedelta(days=int(d), minutes=int(m)) for d, m in
                           zip(day, draw(count) * 1400, strict=True)],
            "device": device.tolist(),
            "browser": np.where(draw(count) < 0.5, "Safari", "Chrome").tolist(),
            "channel": np.array(["Direct", "Email", "Referral"])[
                self.chance.integers(0, 3, count)].tolist(),
            "country": np.array(["DE", "US", "FR", "GB"])[
                self.chance.integers(0, 4, count)].tolist(),
        }  # fmt: skip
        share = np.tile(ON, (count, 1))
        if self.incident:
            step, where, first, days = self.incident
            hit = (day >= first) & (day < first + days)
            hit &= (device == where) if where else True
            share[hit, step] *= 0.4
        reached = np.cumprod(draw((count, len(STEPS))) < share, axis=1).sum(axis=1)
        self._insert(connection, columns, reached)

    def _insert(self, connection: Any, columns: dict[str, list[Any]], reached: Any) -> None:
        depth = np.minimum(reached + 1, len(STEPS))
        keys = np.repeat(np.array(columns["session_key"]), depth)
        order = np.concatenate([np.arange(n) for n in depth])
        events = pa.table({
            "session_key": keys, "event_index": order + 1, "node": np.array(STEPS)[order],
            "event_time": np.repeat(np.array(columns["start_time"], "datetime64[ms]"), depth),
        })  # fmt: skip
        sessions = pa.table({**columns, "depth": depth, "is_converted": reached == len(STEPS)})
        connection.register("made_sessions", sessions)
        connection.register("made_events", events)
        connection.execute("""
            INSERT INTO sessions BY NAME
            SELECT * EXCLUDE (depth, is_converted), 'shop' AS source_id, person AS visitor_id,
                hash(person) >> 1 AS visitor_hash, 1 AS session_id, 1 AS session_no, 1 AS part,
                start_time AS end_time, 0 AS duration, 0 AS engaged, TRUE AS engaged_estimated,
                start_time AS first_event_time, start_time AS last_event_time, depth AS events,
                depth AS activities, depth AS views, CAST(is_converted AS INTEGER) AS conversions,
                0 AS errors, 0 AS revenue, 2 AS session_number, 2 AS person_session_number,
                FALSE AS is_new, 'timeout' AS start_reason, 'timeout' AS end_reason,
                'sdk' AS provenance, 1 AS revision, 0 AS late_events, start_time AS received_until,
                start_time AS open_until, start_time AS final_after, 'ok' AS state,
                TRUE AS is_engaged, TRUE AS is_counted, FALSE AS is_bounce,
                FALSE AS is_classic_bounce, 'human' AS traffic_class
            FROM made_sessions
        """)
        connection.execute("""
            INSERT INTO session_events BY NAME
            SELECT *, 'shop' AS source_id, '' AS message_id, 0 AS message_hash, '' AS visitor_id,
                0 AS visitor_hash, 'page' AS type, event_time AS received_at, TRUE AS is_view,
                TRUE AS is_activity, FALSE AS is_conversion, FALSE AS is_click, FALSE AS is_error,
                FALSE AS is_fatal, 'Direct' AS channel, 'human' AS traffic_class
            FROM made_events
        """)
        connection.unregister("made_sessions")
        connection.unregister("made_events")


SEEDS = 50
"""With an incident planted, and as many without."""
QUESTION = {"from": "2026-03-02", "to": "2026-04-05"}


def findings(make_shop: Any, visitors: Visitors) -> Any:
    shop = make_shop()
    visitors.load(shop.connection)
    reports = shop.reports()
    report = reports.run("problems", QUESTION)
    assert list(report.extra["steps"]) == list(STEPS)
    return reports, report


def is_right(visitors: Visitors, row: list[Any]) -> bool:
    """Whether a finding is the planted incident: step, segment, and the day within the interval."""
    assert visitors.incident is not None
    step, device, first, _ = visitors.incident
    since, low, high = row[3:6]
    planted = BEGIN + timedelta(days=first)
    return bool(
        row[1].startswith(f"{STEPS[step]} →")
        and row[2] == (device or "all sessions")
        and low <= planted <= high + timedelta(days=1)
        and abs(since - planted) <= timedelta(days=2)
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_planted_incidents_are_found_and_nothing_else(make_shop: Any) -> None:
    right, wrong, found = 0, 0, 0
    for seed in range(SEEDS):
        visitors = Visitors(seed)
        visitors.plant()
        reports, report = findings(make_shop, visitors)
        hits = [is_right(visitors, row) for row in report.rows]
        found += any(hits)
        right += sum(hits)
        wrong += len(hits) - sum(hits)
        for row, behind in zip(report.rows, report.sessions, strict=True):
            assert reports.run("sessions", behind).extra["total"] == row[13]
    assert found / SEEDS >= 0.9, "recall"
    assert right / (right + wrong) >= 0.9, "precision"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_planted_nothing_reported(make_shop: Any) -> None:
    reports = [findings(make_shop, Visitors(1000 + seed))[1] for seed in range(SEEDS)]
    reported = sum(bool(report.rows) for report in reports)
    assert reported / SEEDS <= 0.1


def test_a_finding_says_it_in_plain_words(make_shop: Any) -> None:
    visitors = Visitors(3)
    visitors.incident = (3, "mobile", 14, 8)
    _, report = findings(make_shop, visitors)
    text = report.rows[0][0]
    assert text.startswith("Checkout → payment on mobile fell from 8")
    assert "from 16 March 2026 to 23 March 2026" in text
    assert "sessions did not go on; 95 % interval of the change −" in text
    assert "conversions a day lost." in text
    assert len(report.extra["examples"][0]) == 5


def test_intervals_agree_with_published_ones() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_false_discoveries_are_held_over_all_tests() -> None:
    assert discoveries([0.01, 0.02, 0.03, 0.5], 0.05) == [True, True, True, False]
    assert discoveries([0.04] + [0.9] * 20, 0.05) == [False] * 21
    assert discoveries([], 0.05) == []


def test_a_scan_needs_something_to_fall_from() -> None:
    trials = np.full(30, 40.0)
    low = np.where(np.arange(30) < 10, 10.0, 30.0)
    assert scan(low, trials, is_drop=False) is not None
    first = scan(low, trials, is_drop=True)
    assert first is None or first.start > 0
    assert scan(np.zeros(5), np.ones(5), is_drop=True) is None
