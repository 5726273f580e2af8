"""What properties measure: engaged time, revenue, and what was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 1024
_TARGETS = ("target", "selector", "element", "element_id", "form_id", "form", "label", "text")
_ENGAGED = (("visitDuration", 1), ("engagement_time_msec", 1), ("time_on_page", 1000))
_REVENUE = ("revenue", "total", "value")
MEASURES = frozenset((*_TARGETS, *_REVENUE, *(name for name, _ in _ENGAGED)))
"""Names of properties: where none of them is there, nothing is measured."""


def text_of(value: Any) -> str | None:
    """A JSON value as bounded text; None for null, the empty text, objects and lists."""
    if type(value) is str:
        return value[:LONGEST_TEXT] if value else None
    if type(value) is int or type(value) is float:
        return repr(value)[:LONGEST_TEXT]
    if value is True or value is False:
        return "true" if value else "false"
    return None


def engaged(properties: Mapping[str, Any]) -> int | None:
    """Milliseconds that the SDK measured: RudderStack's `visitDuration`, GA4's, seconds on page."""
    for name, unit in _ENGAGED:
        if name in properties:
            number = _number(properties[name])
            if number is not None and number >= 0:
                return int(number * unit)
    return None


def target(properties: Mapping[str, Any]) -> str | None:
    """What was clicked, or the form, where the properties say so."""
    for name in _TARGETS:
        if name in properties:
            return text_of(properties[name])
    return None


def revenue(properties: Mapping[str, Any]) -> float | None:
    """`revenue`, else `total`, else `value`."""
    for name in _REVENUE:
        if name in properties:
            return _number(properties[name])
    return None


def _number(value: Any) -> float | None:
    if type(value) is int or type(value) is float:
        number = float(value) if abs(value) < 1e14 else 0.0
        return number if number == number else None
    if type(value) is str:
        try:
            return _number(float(value[:32]))
        except ValueError:
            return None
    return None
