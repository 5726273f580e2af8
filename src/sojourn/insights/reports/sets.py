"""Sets of sessions behind figures that no plain filter describes, as text parameters.

A set is JSON text: what its report was asked, and which of its figures is meant. The same SQL
that made the figure lists its sessions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter
from sojourn.insights.reports.walks import link_sessions_sql, transitions_sql
from sojourn.insights.sql import queries

_FUNNELS = queries("queries/funnels.sql")
_FRICTION = queries("queries/friction.sql")
_HEALTH = queries("queries/health.sql")
_SETS = queries("queries/sets.sql")

SqlAndValues = tuple[str, dict[str, Any]]
COMPARISONS = {"n-day": "=", "rolling": ">="}


def pack(**facts: Any) -> str:
    """A set as the text of a parameter."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def journey_values(
    anchor: str, direction: str, top: int, kept: Sequence[str] = ()
) -> dict[str, Any]:
    """The values of the queries in `journeys.sql`.

    `kept`: what stands in the columns by its own name, as `step node`; none: the `top` nodes.
    """
    begin, end = ("(entry)", "(exit)") if direction == "forward" else ("(exit)", "(entry)")
    return {
        "journey_anchor": anchor,
        "journey_top": top,
        "journey_kept": list(kept),
        "journey_begin": anchor or begin,
        "journey_end": end,
    }


def _journey(facts: Mapping[str, Any]) -> SqlAndValues:
    values = journey_values(
        facts["anchor"], facts["direction"], facts["top"], facts.get("kept", ())
    )
    step, depth, anchored = int(facts["step"]), int(facts["depth"]), bool(facts["anchor"])
    values |= {"journey_step": step, "journey_node": facts["node"]}
    values["journey_next"] = facts["next"]
    sql = link_sessions_sql(facts["direction"], facts["events"], depth, step, anchored=anchored)
    return sql, values


def _transition(facts: Mapping[str, Any]) -> SqlAndValues:
    values = {"transition_node": facts["node"], "transition_next": facts["next"]}
    return transitions_sql("transition_sessions", facts["events"]), values


def funnel_sql(steps: int, within: int, is_strict: bool, exclude: Sequence[str]) -> str:
    """The common part of funnel queries: ends with `depths`, one row per session and step."""
    pool = "alone" if within == 1 else "persons"
    parts = [_FUNNELS["hits"]] + ([_FUNNELS["solid"]] if is_strict else [])
    parts += [
        _FUNNELS["reach"].replace("{{k}}", str(k)).replace("{{before}}", str(k - 1))
        for k in range(2, steps + 1)
    ]
    parts.append(_FUNNELS["exclusion" if exclude else "no_exclusion"])
    depths = [_FUNNELS["depth"].replace("{{k}}", str(k)) for k in range(1, steps + 1)]
    parts.append("depths AS MATERIALIZED (\n" + "\nUNION ALL\n".join(depths) + "\n)")
    sql = "WITH " + ",\n".join(parts)
    filled = {
        "pool": _FUNNELS[pool],
        "own": _FUNNELS[f"{pool}_own"],
        "unbroken": _FUNNELS["unbroken"] if is_strict else "",
        "last": str(steps),
        **{
            f"{what}_of_attempt": _FUNNELS[f"{pool}_span"].replace("{{what}}", what)
            for what in ("hits", "events")
        },
    }
    for name, text in filled.items():
        sql = sql.replace(f"{{{{{name}}}}}", text)
    return sql


def funnel_values(steps: Sequence[str], within: int, exclude: Sequence[str]) -> dict[str, Any]:
    """The values of the queries in `funnels.sql`."""
    return {
        "funnel_steps": list(steps),
        "funnel_within": within,
        "funnel_exclude": list(exclude),
    }


def _funnel(facts: Mapping[str, Any]) -> SqlAndValues:
    steps, within, exclude = facts["steps"], facts["within"], facts["exclude"]
    values = funnel_values(steps, within, exclude)
    values |= {"funnel_reached": facts["reached"], "funnel_missed": facts.get("missed", 0)}
    sql = funnel_sql(len(steps), within, facts["strict"], exclude)
    return f"{sql}\n{_FUNNELS['sessions']}", values


def _friction(facts: Mapping[str, Any]) -> SqlAndValues:
    values = {"friction_signal": facts["signal"], "friction_place": facts.get("place", "")}
    return f"{_FRICTION['marks']}\n{_FRICTION['sessions']}", values


def _cohort(facts: Mapping[str, Any]) -> SqlAndValues:
    sql = _SETS["cohort"].replace("{{comparison}}", COMPARISONS[facts["mode"]])
    values = {
        "cohort_start": datetime.fromisoformat(facts["cohort"]),
        "cohort_unit": facts["unit"],
        "cohort_step": facts["step"],
        "cohort_event": facts["event"],
    }
    return sql, values


def health_sql(name: str) -> str:
    """A query of `health.sql` with its parts put in: events of all sessions, or of late ones."""
    text = _HEALTH[name].replace("{{beside}}", _HEALTH["beside"])
    for part, is_all in (("all_arrivals", "TRUE"), ("late_arrivals", "FALSE")):
        text = text.replace(f"{{{{{part}}}}}", _HEALTH["arrivals"].replace("{{any}}", is_all))
    return text


def _health(facts: Mapping[str, Any]) -> SqlAndValues:
    return health_sql(facts["check"]), {}


_SET_SQL: dict[str, Callable[[Mapping[str, Any]], SqlAndValues]] = {
    "journey": _journey,
    "transition": _transition,
    "funnel": _funnel,
    "friction": _friction,
    "cohort": _cohort,
    "health": _health,
}

SETS = tuple(
    Parameter(name, f"set of the report on {name}, as its rows give it") for name in _SET_SQL
)


def set_facts(name: str, text: str) -> Mapping[str, Any]:
    """The facts of a set. Raises `InvalidSettings` if the text is none."""
    try:
        facts = json.loads(text)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise _no_set(name, text)
    return facts


def set_condition(name: str, text: str, facts: Mapping[str, Any]) -> SqlAndValues:
    """The condition on `sessions AS s` that a set means, of the selection to be put in."""
    try:
        sql, values = _SET_SQL[name](facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_set(name, text) from None
    return f"s.session_key IN (\n{sql}\n)", values


def _no_set(name: str, text: str) -> InvalidSettings:
    return InvalidSettings(f"{name}: '{text}' is no set; take it from a row of a report")
