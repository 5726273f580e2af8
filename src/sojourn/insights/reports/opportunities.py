"""Opportunities: what a segment would gain at the conversion of its matched peers.

A comparison, not a cause: peers are weighted to the segment's own mix of device, channel and new
visitors (direct standardisation), which balances these and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_DIMENSIONS: Mapping[str, str] = {
    "device": "device",
    "os": "os",
    "browser": "browser",
    "country": "country",
    "channel": "channel",
    "entry_page": "entry_page",
    "locale": "locale",
    "app_version": "app_version",
    "platform": "platform",
}
_MATCHED = ("device", "channel", "is_new")
_LEAST = 100
_RATE = 0.05


class Gap(NamedTuple):
    """How far a segment is below its peers; rates of all its sessions that have peers."""

    sessions: float
    rate: float
    peers: float
    error: float


def opportunities(ask: Ask) -> Report:
    """One row per segment whose gap is no chance, largest gain first."""
    found: list[tuple[str, str, int, Gap]] = []
    for name, column in _DIMENSIONS.items():
        strata = ", ".join(
            f"coalesce(CAST({other} AS VARCHAR), '-')" for other in _MATCHED if other != column
        )
        sql = _SQL["strata"].replace("{{value}}", column).replace("{{strata}}", strata)
        rows = ask.rows(sql)[1]
        for value in sorted({row[0] for row in rows}):
            sessions = sum(row[2] for row in rows if row[0] == value)
            gap = compare(rows, value)
            if gap and value != "(none)":
                found.append((name, value, sessions, gap))
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


def compare(rows: Sequence[tuple[Any, ...]], value: str) -> Gap | None:
    """The gap of a segment to its peers, over the strata that both have; None without enough.

    `rows`: (value, stratum, sessions, converted).
    """
    own: dict[str, Any] = {}
    peers: dict[str, Any] = {}
    for other, stratum, sessions, converted in rows:
        side = own if other == value else peers
        side[stratum] = side.get(stratum, np.zeros(2)) + np.array((sessions, converted))
    shared = [s for s in own if s in peers and peers[s][0] >= 20]
    if not shared:
        return None
    mine = np.array([own[s] for s in shared])
    theirs = np.array([peers[s] for s in shared])
    total = mine[:, 0].sum()
    if total < _LEAST:
        return None
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
