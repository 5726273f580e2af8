"""The numbers behind the scan for problems: sessions by time, segment and what they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.segments import ALL, SEGMENTS
from sojourn.insights.sql import queries
from sojourn.insights.statistics import Stretch, scan

_SQL = queries("queries/problems.sql")
CONVERTED, ERRORED, BOUNCED, COUNTED = (1 << 60, 1 << 59, 1 << 58, 1 << 57)
_HOUR = 3_600_000
Key = tuple[str, tuple[str | None, ...]]


class Measure(NamedTuple):
    """A rate to watch: of the sessions with `base` (all if 0), those that have `hit` too."""

    name: str
    base: int
    hit: int
    is_drop: bool
    base_mark: str = ""
    hit_mark: str = ""


class Candidate(NamedTuple):
    """A measure in a segment, and the stretch of time in which it is worst."""

    measure: Measure
    dimension: str
    values: tuple[str | None, ...]
    stretch: Stretch


@dataclass
class Numbers:
    """Per segment: an array of (step, has, sessions) rows. Steps are `step_ms` long."""

    segments: dict[Key, Any]
    steps: int
    step_ms: int
    begins: datetime

    def counts(self, key: Key, measure: Measure) -> tuple[Any, Any]:
        """Successes and trials of a measure, per step."""
        rows = self.segments[key]
        step, has, sessions = rows[:, 0], rows[:, 1], rows[:, 2]
        is_base = (has & measure.base) == measure.base
        is_hit = is_base & ((has & measure.hit) != 0)
        trials = np.bincount(step[is_base], sessions[is_base], self.steps)
        successes = np.bincount(step[is_hit], sessions[is_hit], self.steps)
        return successes, trials

    def conversion_of(self, measure: Measure) -> float:
        """The share of all sessions that meet the measure and convert, of those that meet it."""
        rows = self.segments[(ALL, ())]
        wanted = measure.base | measure.hit
        met = (rows[:, 1] & wanted) == wanted
        converted = met & ((rows[:, 1] & CONVERTED) != 0)
        return float(rows[converted, 2].sum() / max(1, rows[met, 2].sum()))

    def time(self, step: int) -> datetime:
        """When a step begins."""
        return self.begins + timedelta(milliseconds=step * self.step_ms)


def measures(steps: Sequence[str], marks: Sequence[str]) -> list[Measure]:
    """What to watch: each step to the next, conversion, bounces, errors, signs of trouble."""
    bit = {mark: 1 << index for index, mark in enumerate(marks)}
    found = [
        Measure(f"{here} → {there}", bit[here], bit[there], True, here, there)
        for here, there in pairwise(steps)
    ]
    if steps:
        last = steps[-1]
        found.append(Measure(f"{last} → conversion", bit[last], CONVERTED, True, last))
    found.append(Measure("conversion", 0, CONVERTED, True))
    found.append(Measure("bounces", COUNTED, BOUNCED, False))
    found.append(Measure("errors", 0, ERRORED, False))
    found += [Measure(mark, 0, bit[mark], False, "", mark) for mark in marks if mark not in steps]
    return found


def step_length(ask: Ask) -> int:
    """Milliseconds of a step: an hour up to a week, a day up to a year, else a week."""
    days = (ask.selection.period.end - ask.selection.period.start).total_seconds() / 86400
    return _HOUR * (1 if days <= 7 else 24 if days <= 400 else 168)


def numbers(ask: Ask, marks: Sequence[str]) -> Numbers:
    """Count the chosen sessions by segment, time and marks."""
    step_ms = step_length(ask)
    groups = []
    for dimension, columns in SEGMENTS.items():
        texts = ", ".join(f"CAST({column} AS VARCHAR)" for column in columns)
        value = f"[{texts}]" if columns else "CAST([] AS VARCHAR[])"
        text = _SQL["group"].replace("{{dimension}}", dimension)
        groups.append(text.replace("{{value}}", value))
    sql = _SQL["counts"].replace("{{groups}}", "\nUNION ALL\n".join(groups))
    _, rows = ask.rows(sql, marks=list(marks), step_ms=step_ms)
    segments: dict[Key, list[tuple[int, int, int]]] = {}
    for dimension, value, step, has, sessions in rows:
        segments.setdefault((dimension, tuple(value)), []).append((step, has, sessions))
    arrays = {key: np.array(found, np.int64) for key, found in segments.items()}
    period = ask.selection.period
    steps = int((period.end - period.start) / timedelta(milliseconds=step_ms)) + 1
    return Numbers(arrays, steps, step_ms, period.start)


def candidates(found: Numbers, watched: Sequence[Measure]) -> tuple[list[Candidate], int]:
    """The worst stretch of every measure in every segment, and how many could be tested."""
    out: list[Candidate] = []
    tested = 0
    for dimension, values in found.segments:
        if dimension != ALL and all(value is None for value in values):
            continue
        for measure in watched:
            successes, trials = found.counts((dimension, values), measure)
            if trials.sum() < 75:
                continue
            tested += 1
            stretch = scan(successes, trials, is_drop=measure.is_drop)
            if stretch:
                out.append(Candidate(measure, dimension, values, stretch))
    return out, tested
