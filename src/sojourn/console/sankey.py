"""Journeys as a Sankey diagram in SVG: columns of nodes, joined by bands of sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from sojourn.console.charts import WIDTH, link, svg

_HEIGHT: Final = 420
_NODE_WIDTH: Final = 10
_PAD: Final = 6
_LINE: Final = 14
"""The least room for a node, so that the labels of small ones do not touch."""
_SHADES: Final = 3


@dataclass(frozen=True)
class Flow:
    """A stream of sessions from a node of one column to a node of the next.

    `weight`: how thick it is; without one, as its count. `difference`: how many points (shares of
    all sessions, 0 to 1) it is above what it is compared with; None where with nothing.
    """

    column: int
    source: str
    target: str
    count: float
    href: str = ""
    weight: float | None = None
    difference: float | None = None

    @property
    def size(self) -> float:
        """How thick it is, in the unit of the diagram's scale."""
        return self.count if self.weight is None else self.weight


@dataclass
class _Node:
    count: float = 0.0
    size: float = 0.0
    difference: float | None = None
    top: float = 0.0

    def add(self, flow: Flow) -> None:
        self.count += flow.count
        self.size += flow.size
        if flow.difference is not None:
            self.difference = (self.difference or 0.0) + flow.difference


def sankey(
    flows: Sequence[Flow], node_href: Mapping[str, str], labels: Mapping[str, str], title: str
) -> Markup:
    """Columns of nodes, as high as their sessions, joined by bands.

    Nodes lead to `node_href` (the same journey from there), bands to their sessions; `labels`
    has shorter names for nodes. What differs from what it is compared with has a colour.
    """
    if not flows:
        return Markup("")
    columns = _columns(flows)
    is_compared = any(flow.difference is not None for flow in flows)
    label = 200 if is_compared else 150  # room for the last column's names, pixels
    width = max(WIDTH, len(columns) * (label + 20))
    total = max(sum(node.size for node in nodes.values()) for nodes in columns)
    crowded = max(len(nodes) for nodes in columns)
    scale = (_HEIGHT - 20 - _PAD * (crowded - 1)) / total if total else 0
    height = max(_stack(nodes, scale) for nodes in columns)
    gap = (width - _NODE_WIDTH - label) / max(1, len(columns) - 1)
    boxes = [
        link(node_href.get(name, ""), _box(place * gap, name, node, scale, labels))
        for place, nodes in enumerate(columns)
        for name, node in nodes.items()
    ]
    return svg(
        "chart sankey", round(height), title, _bands(flows, columns, scale, gap) + boxes, width
    )


def _columns(flows: Sequence[Flow]) -> list[dict[str, _Node]]:
    """The nodes of each column: the largest on top; what was cut, and what left, at the bottom."""
    found: list[dict[str, _Node]] = []
    for column in range(max(flow.column for flow in flows) + 2):
        nodes: dict[str, _Node] = {}
        for flow in flows:
            if flow.column == column - 1:
                nodes.setdefault(flow.target, _Node()).add(flow)
            elif column == 0 and flow.column == 0:
                nodes.setdefault(flow.source, _Node()).add(flow)
        order = sorted(nodes, key=lambda name: (name.startswith("("), -nodes[name].size, name))
        found.append({name: nodes[name] for name in order})
    return found


def _stack(nodes: Mapping[str, _Node], scale: float) -> float:
    """Put the nodes one below the other; returns where the last one ends."""
    at = 4.0
    for node in nodes.values():
        node.top = at
        at += max(node.size * scale, _LINE - _PAD) + _PAD
    return at + _LINE


def _bands(
    flows: Sequence[Flow], columns: Sequence[Mapping[str, _Node]], scale: float, gap: float
) -> list[Markup]:
    leaving = [{name: node.top for name, node in nodes.items()} for nodes in columns]
    entering = [dict(tops) for tops in leaving]
    most = max((abs(flow.difference or 0.0) for flow in flows), default=0.0)
    bands = []
    for flow in sorted(flows, key=lambda one: (one.column, -one.size)):
        size = flow.size * scale
        start, end = leaving[flow.column][flow.source], entering[flow.column + 1][flow.target]
        leaving[flow.column][flow.source] += size
        entering[flow.column + 1][flow.target] += size
        x0, x1 = flow.column * gap + _NODE_WIDTH, (flow.column + 1) * gap
        text = (
            f"{flow.source} → {flow.target}: {flow.count:,.0f} sessions{_points(flow.difference)}"
        )
        band = _band(x0, start, x1, end, size, text, _shade(flow.difference, most))
        bands.append(link(flow.href, band))
    return bands


def _points(difference: float | None) -> str:
    if difference is None:
        return ""
    return f", {difference * 100:+.1f} points".replace("-", "−")


def _shade(difference: float | None, most: float) -> str:
    """A class for the colour of a difference: nothing below an eighth of the largest."""
    if difference is None or not most or abs(difference) < most / 8:
        return ""
    strength = min(_SHADES, 1 + int(abs(difference) / most * _SHADES))
    return f" {'more' if difference > 0 else 'less'}-{strength}"


def _band(x0: float, y0: float, x1: float, y1: float, size: float, text: str, shade: str) -> Markup:
    middle = (x0 + x1) / 2
    size = max(1.0, size)
    path = (
        f"M{x0:.1f},{y0:.1f}C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
        f"V{y1 + size:.1f}C{middle:.1f},{y1 + size:.1f} {middle:.1f},{y0 + size:.1f} "
        f"{x0:.1f},{y0 + size:.1f}Z"
    )
    return Markup('<path class="band{}" d="{}"><title>{}</title></path>').format(shade, path, text)


def _box(x: float, name: str, node: _Node, scale: float, labels: Mapping[str, str]) -> Markup:
    whole = labels.get(name, name)
    shown = whole if len(whole) <= 20 else f"{whole[:19]}…"
    size = max(2.0, node.size * scale)
    change = ""
    if node.difference is not None and abs(node.difference) >= 0.0005:
        change = f" {node.difference * 100:+.1f}".replace("-", "−")
    return Markup(
        '<g class="node{}"><title>{}: {:,.0f} sessions{}</title>'
        '<rect x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}"/>'
        '<text x="{:.1f}" y="{:.1f}">{} <tspan class="count">{:,.0f}{}</tspan></text></g>'
    ).format(
        " edge" if name.startswith("(") else "", whole, node.count, _points(node.difference),
        x, node.top, _NODE_WIDTH, size,
        x + _NODE_WIDTH + 5, node.top + max(10.0, size / 2 + 4), shown, node.count, change,
    )  # fmt: skip
