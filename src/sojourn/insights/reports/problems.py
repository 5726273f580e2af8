"""Problems: where and since when fewer sessions go on than they used to, with the certainty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import COMMON
from sojourn.insights.reports.periods import text_of
from sojourn.insights.reports.scanning import (
    Candidate,
    Measure,
    Numbers,
    candidates,
    measures,
    numbers,
)
from sojourn.insights.reports.segments import ALL, SEGMENTS, filters, words
from sojourn.insights.reports.selection import select
from sojourn.insights.sql import queries
from sojourn.insights.statistics import difference, discoveries

_SQL = queries("queries/problems.sql")

PROBLEMS = ReportSpec(
    "problems",
    "Problems",
    "A scan of every step to the next, conversion, bounces, errors and signs of trouble, in every "
    "segment, over every stretch of time, against the segment's other times. `rate` of the "
    "stretch, `before` of the rest, the 95 % interval of their difference, `since_low` to "
    "`since_high` of the onset; false discoveries over "
    "all tests are held at `false_discoveries` (Benjamini-Hochberg). `sessions` did not go on (or "
    "had the trouble). With nothing wrong it reports nothing.",
    (
        Parameter("steps", "the way to follow, nodes or events separated by |; empty: found"),
        Parameter("false_discoveries", "share of findings that may be chance", "0.05"),
        *COMMON,
    ),
)
_NAMES = (
    "problem", "measure", "segment", "since", "since_low", "since_high", "until",
    "rate", "before", "change", "low", "high",
    "p_value", "sessions", "of", "lost_per_day", "peers_rate", "peers_before",
)  # fmt: skip
_SIMPLER = 0.95
_FEWEST_AFTER = 10  # sessions after an incident that can tell that it is over, ...
_SHARE_AFTER = 0.2  # ... and their share of those in it
_SIGN = 0.001  # p below which another measure counts as showing the same incident


def problems(ask: Ask) -> Report:
    """The findings, most certain first."""
    try:
        rate = float(ask["false_discoveries"])
    except ValueError:
        rate = -1.0
    if not 0 < rate < 1:
        raise InvalidSettings("false_discoveries: give a share between 0 and 1, such as 0.05")
    steps = ask.names("steps") or [row[0] for row in ask.rows(_SQL["steps"])[1]]
    troubles = [row[0] for row in ask.rows(_SQL["troubles"])[1] if row[0] not in steps]
    marks = [*steps, *troubles]
    found = numbers(ask, marks)
    if (ALL, ()) not in found.segments:
        return ask.report(_NAMES, [], [], tests=0, steps=steps)
    tested, tests = candidates(found, measures(steps, marks))
    distinct = _distinct(tested)
    p_values = [finding.stretch.p_value for finding, _ in distinct]
    passed = discoveries(p_values + [1.0] * (tests - len(distinct)), rate)
    standing = [one for one, stands in zip(distinct, passed, strict=False) if stands]
    rows, behind, examples, also = [], [], [], []
    for candidate, consequences in standing:
        chosen = _behind(ask, found, candidate)
        rows.append(_row(found, candidate))
        behind.append(chosen)
        keys = ask.rows(_SQL["examples"], select(chosen, ask.now))[1]
        examples.append([key for (key,) in keys])
        also.append(consequences)
    return ask.report(_NAMES, rows, behind, tests=tests, steps=steps, examples=examples, also=also)


def _distinct(tested: Sequence[Candidate]) -> list[tuple[Candidate, list[str]]]:
    """One finding per incident, and what else shows it.

    An incident shows in many segments and in the steps that follow. The finding is the one with
    the greatest likelihood, or a simpler segment that explains nearly as much. Counting each
    incident once also keeps its many signs from letting chance findings through with it.
    """
    rest = sorted(tested, key=lambda c: (-c.stretch.likelihood, len(c.values)))
    out: list[tuple[Candidate, list[str]]] = []
    while rest:
        best = rest[0]
        group = [c for c in rest if _is_same(best, c)]
        kin = [c for c in group if c.measure == best.measure]
        strong = [c for c in kin if c.stretch.likelihood >= _SIMPLER * best.stretch.likelihood]
        chosen = min(strong, key=lambda c: (len(SEGMENTS[c.dimension]), -c.stretch.likelihood))
        others = {
            c.measure.name for c in group
            if c.measure != chosen.measure and c.stretch.p_value < _SIGN
        }  # fmt: skip
        out.append((chosen, sorted(others)))
        rest = [c for c in rest if not (_is_same(best, c) or _is_same(chosen, c))]
    return out


def _is_same(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates show one incident: at the same time, and not in segments apart."""
    start = max(one.stretch.start, other.stretch.start)
    end = min(one.stretch.end, other.stretch.end)
    shorter = min(one.stretch.end - one.stretch.start, other.stretch.end - other.stretch.start)
    apart = one.dimension == other.dimension and one.values != other.values
    return end - start >= 0.5 * shorter and not apart


def _row(found: Numbers, candidate: Candidate) -> list[Any]:
    measure, dimension, values, stretch = candidate
    (x_in, n_in), (x_out, n_out) = stretch.inside, stretch.outside
    low, high = difference(x_in, n_in, x_out, n_out)
    rate, before = x_in / n_in, x_out / n_out
    days = (stretch.end - stretch.start) * found.step_ms / 86_400_000
    lost = None
    if measure.is_drop:
        worth = 1.0 if measure.hit_mark == "" else found.conversion_of(measure)
        lost = max(0.0, before - rate) * n_in / days * worth
    peers = _peers(found, candidate)
    counted = int(n_in - x_in if measure.is_drop else x_in)
    since, until = found.time(stretch.start), found.time(stretch.end)
    is_over = _is_over(found, candidate)
    text = _words(measure, words(dimension, values), rate, before, since, until, is_over)
    sessions = f"; {counted:,} sessions {'did not go on' if measure.is_drop else 'had it'}"
    interval = f"; 95 % interval of the change {low * 100:+.0f} to {high * 100:+.0f} points"
    interval = interval.replace("-", "−")
    loss = f"; about {lost:.1f} conversions a day lost" if lost else ""
    return [
        text + sessions + interval + loss + ".", measure.name, words(dimension, values),
        since, found.time(stretch.onset[0]), found.time(stretch.onset[1]),
        until if is_over else None,
        rate, before, rate - before, low, high,
        stretch.p_value, counted, int(n_in), lost, *peers,
    ]  # fmt: skip


def _words(
    measure: Measure, segment: str, rate: float, before: float,
    since: datetime, until: datetime, is_over: bool,
) -> str:  # fmt: skip
    verb = "fell" if measure.is_drop else "rose"
    last = until - timedelta(milliseconds=1)
    when = f"on {since:%-d %B %Y}"
    if is_over:
        when = f"from {since:%-d %B %Y} to {last:%-d %B %Y}"
    name = measure.name[:1].upper() + measure.name[1:]
    place = f"with {segment}" if segment == "all sessions" else f"on {segment}"
    return f"{name} {place} {verb} from {before * 100:.0f} % to {rate * 100:.0f} % {when}"


def _is_over(found: Numbers, candidate: Candidate) -> bool:
    """Whether enough sessions followed to say that it has ended: a few good ones are chance."""
    stretch = candidate.stretch
    _, trials = found.counts((candidate.dimension, candidate.values), candidate.measure)
    after = float(trials[stretch.end :].sum())
    return after >= max(_FEWEST_AFTER, _SHARE_AFTER * float(stretch.inside[1]))


def _peers(found: Numbers, candidate: Candidate) -> tuple[float | None, float | None]:
    """The rate of everybody else in the same stretch, and at other times."""
    if candidate.dimension == ALL:
        return None, None
    all_x, all_n = found.counts((ALL, ()), candidate.measure)
    x, n = found.counts((candidate.dimension, candidate.values), candidate.measure)
    x, n = all_x - x, all_n - n
    inside = slice(candidate.stretch.start, candidate.stretch.end)
    x_in, n_in = float(x[inside].sum()), float(n[inside].sum())
    x_out, n_out = float(x.sum()) - x_in, float(n.sum()) - n_in
    return (x_in / n_in if n_in else None), (x_out / n_out if n_out else None)


def _behind(ask: Ask, found: Numbers, candidate: Candidate) -> dict[str, str]:
    measure, dimension, values, stretch = candidate
    end = min(found.time(stretch.end), ask.selection.period.end)
    more: dict[str, str | None] = {
        "from_": text_of(found.time(stretch.start)),
        "to": text_of(end),
        **filters(dimension, values),
    }
    if measure.base_mark:
        more["has"] = measure.base_mark
    if measure.is_drop:
        if measure.hit_mark:
            more["lacks"] = measure.hit_mark
        else:
            more["converted"] = "no"
    elif measure.hit_mark:
        more["has"] = measure.hit_mark
    else:
        more["errored" if measure.name == "errors" else "bounced"] = "yes"
    return ask.selection.behind(**more)


REPORTS = ((PROBLEMS, problems),)
