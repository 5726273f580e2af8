"""The health of each source, and why figures differ from those of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.core.ports import Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.parameters import COMMON
from sojourn.insights.reports.sets import health_sql, pack

HEALTH = ReportSpec(
    "health",
    "Health",
    "Per source: how many sessions have each fault, and what was done about it. "
    "`extra.events`: late and skewed events, delays (seconds), without history: what was sent long "
    "after its time on purpose. `extra.traffic`: sessions by class.",
    COMMON,
)
DIFFERENCES = ReportSpec(
    "differences",
    "Why you differ",
    "The same events counted by the rules of other tools, in the zone of the report.",
    COMMON,
)

_CHECKS: Mapping[str, tuple[str, dict[str, str]]] = {
    "id_null": ("events whose session id is null; put into the session of their time", {}),
    "id_negative": ("session ids below 0, such as -1; put into the session of their time", {}),
    "id_zero": ("session ids that are 0; put into the session of their time", {}),
    "id_short": ("session ids under ten characters; put into the session of their time", {}),
    "id_garbage": ("session ids that are no id, such as undefined", {}),
    "id_type": ("session ids that are no number or text", {}),
    "split_gap": ("ids that came again after the timeout; split", {}),
    "split_length": ("sessions over the maximum length; cut", {}),
    "split_user": ("another user under the same id; split", {}),
    "siblings_merged": ("ids that tabs began side by side; merged", {}),
    "start_flag_missing": ("SDK sessions of which no event says that it is the first", {}),
    "id_joined": ("sessions that events without an id joined by time", {}),
    "inferred": ("sessions of events without any id", {"provenance": "inferred"}),
    "late": ("sessions with events that came over a timeout late", {}),
    "history": ("sessions of history: imported or replayed, long after their time", {}),
    "zero_length": ("sessions of no length: one event, or all at once", {}),
    "very_long": ("sessions of over four hours", {}),
    "parallel": ("sessions that begin while another of the visitor goes on (tabs)", {}),
    "not_counted": ("sessions without a view or activity", {"counted": "no"}),
}
_SPECIAL = ("late", "history", "zero_length", "very_long", "parallel")


def health(ask: Ask) -> Report:
    """One row per source and check that found something."""
    columns, found = ask.rows(health_sql("sessions"))
    rows: list[list[Any]] = []
    behind: list[dict[str, str]] = []
    for values in found:
        facts = dict(zip(columns, values, strict=True))
        for check, (meaning, narrow) in _CHECKS.items():
            if not facts[check]:
                continue
            rows.append([
                facts["source"], check, facts[check], facts["sessions"],
                facts[check] / facts["sessions"], meaning,
            ])  # fmt: skip
            behind.append(_behind(ask, facts["source"], check, narrow))
    extra = {name: _dicts(*ask.rows(health_sql(name))) for name in ("events", "traffic")}
    names = ["source", "check", "sessions", "of", "share", "meaning"]
    return ask.report(names, rows, behind, **extra)


def _behind(ask: Ask, source: str, check: str, narrow: Mapping[str, str]) -> dict[str, str]:
    if check in _SPECIAL:
        return ask.selection.behind(source=source, health=pack(check=check))
    return ask.selection.behind(source=source, **(narrow or {"repair": check}))


def _dicts(columns: list[str], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


_RULES = (
    ("sojourn", "sessions", "the SDK's id while gaps stay within the timeout and the length "
     "within the maximum; without an id by identity and time"),
    ("ga4", "sessions", "a new session after 30 minutes without an event, no maximum length"),
    ("matomo", "visits", "also a new visit at midnight and when the campaign changes"),
    ("amplitude", "sessions", "the session ids that the SDK sent; events without one are out of "
     "session (-1)"),
)  # fmt: skip


def differences(ask: Ask) -> Report:
    """One row per tool: what it would count, and by which rule."""
    [facts] = _dicts(*ask.rows(health_sql("differences")))
    [ids] = _dicts(*ask.rows(health_sql("ids")))
    facts |= ids
    own = facts["sojourn"]
    rows = [[tool, word, facts[tool], facts[tool] - own, rule] for tool, word, rule in _RULES]
    names = ["tool", "what", "count", "difference", "rule"]
    behind: list[Mapping[str, str] | None] = [ask.selection.behind()]
    behind += [None] * (len(rows) - 1)
    return ask.report(
        names, rows, behind,
        out_of_session=facts["out_of_session"],
        visitors=facts["visitors"], people=facts["people"],
    )  # fmt: skip


REPORTS = ((HEALTH, health), (DIFFERENCES, differences))
