"""Journeys as a Sankey diagram in SVG: columns of nodes, joined by bands of sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sojourn.console.charts import WIDTH, link, svg


@dataclass(frozen=True)
class Flow:
    """A stream of sessions from a node of one column to a node of the next."""

    column: int
    source: str
    target: str
    count: float
    href: str = ""


def sankey(
    flows: Sequence[Flow], node_href: Mapping[str, str], labels: Mapping[str, str], title: str
) -> Markup:
    """Columns of nodes, as high as their sessions, joined by bands.

    Nodes lead to `node_href` (the same journey from there), bands to their sessions; `labels`
    has shorter names for nodes.
    """
    if not flows:
        return Markup("")
    columns = max(flow.column for flow in flows) + 2
    width, height, node_width, pad = max(WIDTH, columns * 170), 420, 10, 8
    sizes = _node_sizes(flows, columns)
    crowded = max(len(nodes) for nodes in sizes)
    total = max(sum(nodes.values()) for nodes in sizes)
    scale = (height - 20 - pad * (crowded - 1)) / total if total else 0
    gap = (width - node_width - 150) / max(1, columns - 1)
    tops = [_stack(nodes, scale, pad) for nodes in sizes]
    leaving = [dict(column) for column in tops]
    entering = [dict(column) for column in tops]
    bands, boxes = [], []
    for flow in sorted(flows, key=lambda one: (one.column, -one.count)):
        size = flow.count * scale
        start, end = leaving[flow.column][flow.source], entering[flow.column + 1][flow.target]
        leaving[flow.column][flow.source] += size
        entering[flow.column + 1][flow.target] += size
        x0, x1 = flow.column * gap + node_width, (flow.column + 1) * gap
        text = f"{flow.source} → {flow.target}: {flow.count:,.0f} sessions"
        bands.append(link(flow.href, _band(x0, start, x1, end, size, text)))
    for place, nodes in enumerate(sizes):
        for name, count in nodes.items():
            label = labels.get(name, name)
            box = _node(place * gap, tops[place][name], node_width, count * scale, label, count)
            boxes.append(link(node_href.get(name, ""), box))
    return svg("chart sankey", height, title, bands + boxes, width)


def _node_sizes(flows: Sequence[Flow], columns: int) -> list[dict[str, float]]:
    sizes: list[dict[str, float]] = []
    for column in range(columns):
        out: dict[str, float] = {}
        into: dict[str, float] = {}
        for flow in flows:
            if flow.column == column:
                out[flow.source] = out.get(flow.source, 0) + flow.count
            if flow.column == column - 1:
                into[flow.target] = into.get(flow.target, 0) + flow.count
        nodes = {name: max(out.get(name, 0), into.get(name, 0)) for name in {**into, **out}}
        # The largest on top; what was cut, and what left, at the bottom.
        order = sorted(nodes, key=lambda name: (name.startswith("("), -nodes[name], name))
        sizes.append({name: nodes[name] for name in order})
    return sizes


def _stack(nodes: dict[str, float], scale: float, pad: int) -> dict[str, float]:
    tops, at = {}, 4.0
    for name, count in nodes.items():
        tops[name] = at
        at += count * scale + pad
    return tops


def _band(x0: float, y0: float, x1: float, y1: float, size: float, text: str) -> Markup:
    middle = (x0 + x1) / 2
    size = max(1.0, size)
    path = (
        f"M{x0:.1f},{y0:.1f}C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
        f"V{y1 + size:.1f}C{middle:.1f},{y1 + size:.1f} {middle:.1f},{y0 + size:.1f} "
        f"{x0:.1f},{y0 + size:.1f}Z"
    )
    return Markup('<path class="band" d="{}"><title>{}</title></path>').format(path, text)


def _node(x: float, y: float, width: int, size: float, name: str, count: float) -> Markup:
    shown = name if len(name) <= 20 else f"{name[:19]}…"
    return Markup(
        '<g class="node{}"><title>{}: {:,.0f} sessions</title>'
        '<rect x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}"/>'
        '<text x="{:.1f}" y="{:.1f}">{} <tspan class="count">{:,.0f}</tspan></text></g>'
    ).format(
        " edge" if name.startswith("(") else "", name, count, x, y, width, max(2.0, size),
        x + width + 5, y + max(10.0, size / 2 + 4), shown, count,
    )  # fmt: skip
