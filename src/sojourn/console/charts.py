"""Charts as SVG that needs no script: every mark has its value, and leads to its sessions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup

from sojourn.console.figures import show

WIDTH: Final = 880
_LEFT: Final = 48
_BOTTOM: Final = 22
_TOP: Final = 8
_RIGHT: Final = 6
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Series:
    """One line: a value (or None) for each label. `faded`: what it is compared with."""

    name: str
    values: Sequence[float | None]
    hrefs: Sequence[str] = field(default_factory=tuple)
    faded: bool = False


def sparkline(values: Sequence[float | None], width: int = 96, height: int = 24) -> Markup:
    """A small trend without axes; the figure beside it says what it is."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    top, low = max(known), min(0.0, *known)
    span = (top - low) or 1
    step = width / (len(values) - 1)
    points = " ".join(
        f"{place * step:.1f},{height - 2 - (value - low) / span * (height - 4):.1f}"
        for place, value in enumerate(values)
        if value is not None
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true">'
        '<polyline points="{}"/></svg>'
    ).format(width, height, width, height, points)


def line_chart(
    labels: Sequence[str],
    series: Sequence[Series],
    kind: str = "number",
    title: str = "",
    mark: int | None = None,
    height: int = 220,
) -> Markup:
    """Lines over time, from zero, with a hit area per label that names every value.

    `mark`: the place of a label at which something began; a line is drawn there.
    """
    known = [value for one in series for value in one.values if value is not None]
    if not labels or not known:
        return Markup("")
    top = _nice(max(known))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(labels) - 1)

    def x(place: float) -> float:
        return _LEFT + place * step if len(labels) > 1 else WIDTH / 2

    def y(value: float) -> float:
        return height - _BOTTOM - value / top * (height - _BOTTOM - _TOP)

    parts = [_grid(top, y, kind), _days(labels, x, height)]
    parts += [_line(one, x, y) for one in series]
    if mark is not None:
        line = '<line class="onset" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>'
        parts.append(Markup(line).format(x(mark), x(mark), _TOP, height - _BOTTOM))
    parts += [
        _hit(place, labels, series, kind, x(place), step, height) for place in range(len(labels))
    ]
    return svg("chart line", height, title, parts)


def columns(values: Sequence[tuple[str, float]]) -> Markup:
    """Small columns side by side; each tells its label and value."""
    most = max((value for _, value in values), default=0) or 1
    marks = Markup("").join(
        Markup(
            '<rect x="{}" y="{:.1f}" width="8" height="{:.1f}"><title>{}: {}</title></rect>'
        ).format(
            place * 10, 40 - value / most * 40, value / most * 40, label, show(value, "number")
        )
        for place, (label, value) in enumerate(values)
    )
    return Markup(
        '<svg class="columns-chart" viewBox="0 0 {} 40" preserveAspectRatio="none" role="img"'
        ' aria-label="Events a minute, at most {}">{}</svg>'
    ).format(len(values) * 10, show(most, "number"), marks)


def bar(value: float | None, most: float) -> Markup:
    """A bar in a table's cell: `value` of `most`."""
    share = 0.0 if not value or most <= 0 else max(0.0, min(1.0, value / most))
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/><rect width="{:.1f}" height="8"/></svg>'
    ).format(share * 100)


def svg(css: str, height: int, title: str, parts: Sequence[Markup], width: int = WIDTH) -> Markup:
    """The marks as a picture that scrolls where it does not fit; `title` is for screen readers."""
    return Markup(
        '<div class="chart-box" tabindex="0" role="group" aria-label="{}">'
        '<svg class="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg></div>'
    ).format(title, css, width, height, width, height, Markup("").join(parts))


def link(href: str, mark: Markup) -> Markup:
    """The mark, leading to `href` where there is one."""
    return Markup('<a href="{}">{}</a>').format(href, mark) if href else mark


def _grid(top: float, y: Scale, kind: str) -> Markup:
    lines = []
    for quarter in range(5):
        value = top * quarter / 4
        lines.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(
                _LEFT,
                WIDTH - _RIGHT,
                y(value),
                y(value),
                _LEFT - 6,
                y(value) + 4,
                _tick(value, kind),
            )
        )
    return Markup("").join(lines)


def _tick(value: float, kind: str) -> Markup | str:
    """A round value beside its line: `75 %`, not `75.0 %`."""
    return f"{value * 100:g} %" if kind == "ratio" else show(value, kind)


def _days(labels: Sequence[str], x: Scale, height: int) -> Markup:
    every = math.ceil(len(labels) / 8)
    return Markup("").join(
        Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            min(max(x(place), _LEFT), WIDTH - 24), height - 6, _short(label)
        )
        for place, label in enumerate(labels)
        if place % every == 0
    )


def _short(label: str) -> str:
    """`2026-11-24` is `24 Nov`, `2026-11-24T13:00…` is `13:00`; anything else stays."""
    parts = label[:10].split("-")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return label
    if len(label) >= 16 and label[11:16] != "00:00":
        return label[11:16]
    return f"{int(parts[2])} {_MONTHS[int(parts[1]) - 1]}"


def _line(one: Series, x: Scale, y: Scale) -> Markup:
    points = [(x(place), y(value)) for place, value in enumerate(one.values) if value is not None]
    if not points:
        return Markup("")
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    dots = Markup("").join(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(px, py) for px, py in points
    )
    return Markup('<g class="series{}"><polyline points="{}"/>{}</g>').format(
        " faded" if one.faded else "", path, Markup("") if one.faded else dots
    )


def _hit(
    place: int, labels: Sequence[str], series: Sequence[Series], kind: str,
    at: float, step: float, height: int,
) -> Markup:  # fmt: skip
    values = "; ".join(
        f"{one.name} {show(one.values[place], kind)}" for one in series if place < len(one.values)
    )
    href = next((one.hrefs[place] for one in series if place < len(one.hrefs)), "")
    rect = Markup(
        '<rect class="hit" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}: {}</title></rect>'
    ).format(at - step / 2, step, height - _BOTTOM, _short(labels[place]), values)
    return link(href, rect)


def _nice(value: float) -> float:
    """The least of 1, 2, 2.5, 4, 5, 8 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1
    power = float(10 ** math.floor(math.log10(value)))
    steps = (power * step for step in (1, 2, 2.5, 4, 5, 8, 10))
    return next((step for step in steps if step >= value * 0.999), value)
