"""Run one conformance case against a destination: see `sojourn.testing.cases`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def run(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of our destination to `case`, in the form of the case's `expected`."""
    raise NotImplementedError(case["destination"])
