"""The statistics of the scan: intervals, false discoveries, the stretch of time that differs.

scipy is loaded by the first scan: it takes 65 MB, and half a second, that a server may never need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

Array = Any  # numpy's arrays carry no useful type here


@lru_cache(maxsize=8)
def _quantile(share: float) -> float:
    """The point of the normal distribution below which that share lies."""
    return NormalDist().inv_cdf(share)


def normal_tail(value: float) -> float:
    """The chance of a normally distributed value above this one."""
    return math.erfc(value / math.sqrt(2)) / 2


def wilson(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion."""
    if trials <= 0:
        return 0.0, 1.0
    z = _quantile(0.5 + confidence / 2)
    p = successes / trials
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def difference(x1: float, n1: float, x2: float, n2: float) -> tuple[float, float]:
    """Newcombe's 95 % interval of x1/n1 - x2/n2 (his method 10)."""
    p1, p2 = x1 / n1, x2 / n2
    low1, high1 = wilson(x1, n1)
    low2, high2 = wilson(x2, n2)
    below = np.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = np.sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return float(p1 - p2 - below), float(p1 - p2 + above)


def discoveries(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which tests stand at a false discovery rate (Benjamini and Hochberg)."""
    found = np.clip(np.asarray(p_values, float), 0, 1)
    order = np.argsort(found)
    ranked = found[order] * (len(found) / np.arange(1, len(found) + 1))
    stands = np.empty(len(found), bool)
    stands[order] = np.minimum.accumulate(ranked[::-1])[::-1] <= rate
    return [bool(one) for one in stands]


class Stretch(NamedTuple):
    """The steps of time `[start, end)` in which a rate differs most from the rest."""

    start: int
    end: int
    onset: tuple[int, int]
    """The first and last step at which it may have begun (95 %, by profile likelihood)."""
    inside: tuple[float, float]
    """Successes and trials within."""
    outside: tuple[float, float]
    likelihood: float
    """Log likelihood ratio, divided by the overdispersion of the rest."""
    p_value: float
    """For the best of all stretches (Bonferroni over them: an upper bound)."""


@lru_cache(maxsize=8)
def _intervals(steps: int) -> tuple[Array, Array]:
    """All intervals `[start, end)` that begin after the first step."""
    start, end = np.triu_indices(steps + 1, 1)
    later = start > 0
    return start[later], end[later]


def scan(
    successes: Array,
    trials: Array,
    *,
    is_drop: bool,
    least_inside: int = 25,
    least_outside: int = 50,
) -> Stretch | None:
    """The stretch whose rate fell (or rose) most against all other times; None if none can be.

    Kulldorff's scan statistic for proportions over every interval of time that has something
    before it (`least_inside` trials) to have fallen from. Days that vary more than chance alone
    would make them (users with many sessions, weekdays) count for less.
    """
    x = np.concatenate(([0.0], np.cumsum(successes)))
    n = np.concatenate(([0.0], np.cumsum(trials)))
    start, end = _intervals(len(trials))
    n_in = n[end] - n[start]
    possible = (n_in >= least_inside) & (n[-1] - n_in >= least_outside) & (n[start] >= least_inside)
    start, end, n_in = start[possible], end[possible], n_in[possible]
    x_in = x[end] - x[start]
    x_out, n_out = x[-1] - x_in, n[-1] - n_in
    worse = (x_in * n_out < x_out * n_in) == is_drop
    tested = len(start)
    start, end, x_in, n_in = start[worse], end[worse], x_in[worse], n_in[worse]
    x_out, n_out = x_out[worse], n_out[worse]
    if not len(start):
        return None
    ratio = _entropy(x_in, n_in) + _entropy(x_out, n_out) - _entropy(x[-1], n[-1])
    best = int(np.argmax(ratio))
    first, last = int(start[best]), int(end[best])
    outside = np.r_[0:first, last : len(trials)]
    spread = _dispersion(successes[outside], trials[outside])
    likelihood = float(ratio[best]) / spread
    near = start[(end == last) & (ratio / spread >= likelihood - _HALF_CHI)]
    single = normal_tail(math.sqrt(max(0.0, 2 * likelihood)))
    return Stretch(
        first, last, (int(near.min()), int(near.max())),
        (float(x_in[best]), float(n_in[best])), (float(x_out[best]), float(n_out[best])),
        likelihood, min(1.0, single * tested),
    )  # fmt: skip


_HALF_CHI = 1.92  # half the 95 % point of chi squared with one degree of freedom


def _entropy(x: Array, n: Array) -> Array:
    """The log likelihood of x successes of n at the rate x / n."""
    from scipy import special

    return special.xlogy(x, x / n) + special.xlogy(n - x, (n - x) / n)


def _dispersion(x: Array, n: Array) -> float:
    """Pearson's dispersion of the steps' rates, 1 if they vary no more than by chance."""
    enough = n >= 5
    x, n = x[enough], n[enough]
    if len(n) < 8 or not 0 < x.sum() < n.sum():
        return 1.0
    rate = x.sum() / n.sum()
    chi = ((x - n * rate) ** 2 / (n * rate * (1 - rate))).sum()
    return max(1.0, float(chi / (len(n) - 1)))
