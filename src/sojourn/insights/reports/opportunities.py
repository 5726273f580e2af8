"""Opportunities: what a segment would gain at the conversion of its matched peers.

A comparison, not a cause: peers are weighted to the segment's own mix of device, channel and new
visitors (direct standardisation), which balances these and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sojourn.core.ports import Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import COMMON, LIMIT
from sojourn.insights.sql import queries
from sojourn.insights.statistics import discoveries, normal_tail

_SQL = queries("queries/opportunities.sql")

OPPORTUNITIES = ReportSpec(
    "opportunities",
    "Opportunities",
    "Segments that convert less than their peers do, the peers weighted to the segment's mix of "
    "device, channel and new visitors. `gain`: conversions more at the level of the peers, with "
    "its 95 % interval. A comparison, not a cause: other differences may explain it.",
    (*COMMON, LIMIT),
)
_DIMENSIONS = (
    "device", "os", "browser", "country", "channel", "entry_page", "locale", "app_version",
    "platform",
)  # fmt: skip
_MATCHED = ("device", "channel", "is_new")
_LEAST = 100
_LEAST_PEERS = 20
_RATE = 0.05


Counts = tuple[int, int]
"""Sessions, and how many of them converted."""
Row = tuple[str, str, int, int]
"""Value of a dimension, stratum, sessions, converted."""


class Gap(NamedTuple):
    """How far a segment is below its peers; rates of all its sessions that have peers."""

    sessions: float
    rate: float
    peers: float
    error: float


def opportunities(ask: Ask) -> Report:
    """One row per segment whose gap is no chance, largest gain first."""
    of_dimension: dict[str, list[Row]] = {name: [] for name in _DIMENSIONS}
    for name, *row in ask.rows(_sql())[1]:
        of_dimension[name].append((row[0], row[1], int(row[2]), int(row[3])))
    found = [(name, *one) for name, rows in of_dimension.items() for one in compare(rows)]
    p_values = [normal_tail((g.peers - g.rate) / g.error) for *_, g in found]
    kept = [
        (name, value, sessions, gap, p)
        for (name, value, sessions, gap), p, stands in zip(
            found, p_values, discoveries(p_values, _RATE), strict=True
        )
        if stands
    ]
    kept.sort(key=lambda row: -(row[3].peers - row[3].rate) * row[3].sessions)
    kept = kept[: ask.number("limit", 1)]
    lines = [_row(*one) for one in kept]
    behind = [ask.selection.behind(**{name: value}, counted="yes") for name, value, *_ in kept]
    names = ["opportunity", "by", "value", "sessions", "rate", "peers_rate", "gain", "gain_low"]
    names += ["gain_high", "p_value"]
    return ask.report(names, lines, behind, tests=len(found))


def _sql() -> str:
    """The query of the strata of all dimensions."""
    segments = []
    for name in _DIMENSIONS:
        matched = [other for other in _MATCHED if other != name]
        texts = ", ".join(f"coalesce(CAST({other} AS VARCHAR), '-')" for other in matched)
        text = _SQL["segment"].replace("{{dimension}}", name).replace("{{strata}}", texts)
        segments.append(text.replace("{{matched}}", ", ".join(matched)))
    columns = ", ".join((*_DIMENSIONS, "is_new"))
    text = _SQL["strata"].replace("{{columns}}", columns)
    return text.replace("{{segments}}", "\nUNION ALL\n".join(segments))


def compare(rows: Sequence[Row]) -> list[tuple[str, int, Gap]]:
    """The segments of one dimension that have enough peers: value, sessions, and the gap.

    The peers of a segment are all others: what its strata have in all, less its own.
    """
    whole: dict[str, Counts] = {}
    segments: dict[str, dict[str, Counts]] = {}
    for value, stratum, sessions, converted in rows:
        for counts in (whole, segments.setdefault(value, {})):
            have = counts.get(stratum, (0, 0))
            counts[stratum] = (have[0] + sessions, have[1] + converted)
    found = []
    for value in sorted(segments):
        own = segments[value]
        pairs = [
            (mine, (whole[stratum][0] - mine[0], whole[stratum][1] - mine[1]))
            for stratum, mine in own.items()
        ]
        gap = _gap([pair for pair in pairs if pair[1][0] >= _LEAST_PEERS])
        if gap and value != "(none)":
            found.append((value, sum(sessions for sessions, _ in own.values()), gap))
    return found


def _gap(pairs: Sequence[tuple[Counts, Counts]]) -> Gap | None:
    """The gap between (sessions, converted) and their peers', by stratum; None without enough."""
    if sum(sessions for (sessions, _), _ in pairs) < _LEAST:
        return None
    mine, theirs = (np.array(side, float) for side in zip(*pairs, strict=True))
    total = mine[:, 0].sum()
    weight = mine[:, 0] / total
    rate = mine[:, 1].sum() / total
    peer_rates = (theirs[:, 1] + 0.5) / (theirs[:, 0] + 1)
    level = float((weight * theirs[:, 1] / theirs[:, 0]).sum())
    variance = (weight**2 * peer_rates * (1 - peer_rates) / theirs[:, 0]).sum()
    smooth = (mine[:, 1].sum() + 0.5) / (total + 1)
    variance += smooth * (1 - smooth) / total
    return Gap(float(total), float(rate), level, float(np.sqrt(variance)))


def _row(name: str, value: str, sessions: int, gap: Gap, p_value: float) -> list[Any]:
    gain = (gap.peers - gap.rate) * gap.sessions
    half = 1.96 * gap.error * gap.sessions
    text = (
        f"Sessions with {name.replace('_', ' ')} {value} convert at {gap.rate * 100:.1f} %, "
        f"their peers at {gap.peers * 100:.1f} %: at that level {gain:,.0f} conversions more "
        f"({gain - half:,.0f} to {gain + half:,.0f}). A comparison, not a cause."
    )
    return [text, name, value, sessions, gap.rate, gap.peers, gain, gain - half, gain + half,
            p_value]  # fmt: skip


REPORTS = ((OPPORTUNITIES, opportunities),)
