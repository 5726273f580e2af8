"""Sessions themselves: the list that every figure opens, one session, those of this moment."""

from __future__ import annotations

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Parameter, Report, ReportSpec
from sojourn.insights.reports.ask import Ask
from sojourn.insights.reports.friction import marks_of
from sojourn.insights.reports.parameters import COMMON, LIMIT
from sojourn.insights.reports.periods import text_of
from sojourn.insights.reports.selection import select
from sojourn.insights.reports.sets import SETS
from sojourn.insights.sql import queries

_SQL = queries("queries/listing.sql")
_ORDERS = {
    "newest": "start_time DESC",
    "oldest": "start_time",
    "longest": "duration DESC",
    "engaged": "engaged DESC",
    "events": "events DESC",
    "views": "views DESC",
    "revenue": "revenue DESC",
}

SESSIONS = ReportSpec(
    "sessions",
    "Sessions",
    "The chosen sessions, one a row; `extra.total` is how many there are beyond `limit`, too.",
    (
        *COMMON,
        *SETS,
        Parameter("sort", "order of the list", "newest", tuple(_ORDERS)),
        LIMIT,
        Parameter("offset", "rows to pass over", "0"),
    ),
)
SESSION = ReportSpec(
    "session",
    "Session",
    "The events of one session in their order, with gaps (seconds); `extra.session`: its row, "
    "`extra.marks`: signs of friction, by event_index.",
    (Parameter("key", "session_key of the session"),),
)
LIVE = ReportSpec(
    "live",
    "Live",
    "Sessions that can still grow: their last event is not longer ago than the timeout. "
    "`extra.minutes`: events and sessions of the last 30 minutes.",
    (*COMMON, LIMIT),
)


def sessions(ask: Ask) -> Report:
    """The chosen sessions."""
    sql = _SQL["sessions"].replace("{{order}}", _ORDERS[ask.choice("sort")])
    columns, rows = ask.rows(sql, limit=ask.number("limit"), offset=ask.number("offset"))
    [[total]] = ask.rows(_SQL["count"])[1]
    period = ask.selection.parameters
    behind = [
        {"session": row[0], "from": period["from"], "to": period["to"], "traffic": "all"}
        for row in rows
    ]
    return ask.report(columns, rows, behind, total=total, parameters=dict(period))


def session(ask: Ask) -> Report:
    """The timeline of one session. Raises `InvalidSettings` if there is no such session."""
    key = ask["key"]
    columns, found = ask.rows(_SQL["session"], key=key)
    if not found:
        raise InvalidSettings(f"key: there is no session '{key}'; take a session_key of `sessions`")
    facts = dict(zip(columns, found[0], strict=True))
    names, rows = ask.rows(
        _SQL["timeline"], key=key,
        first_time=facts["first_event_time"], last_time=facts["last_event_time"],
    )  # fmt: skip
    only = select({"session": key, "traffic": "all", "from": text_of(facts["start_time"])}, ask.now)
    marks = marks_of(ask, only)
    return ask.report(names, rows, [None] * len(rows), session=facts, marks=marks)


def live(ask: Ask) -> Report:
    """The sessions of this moment."""
    at = {**ask.selection.parameters, "open": ask["open"] or text_of(ask.now)}
    chosen = select(at, ask.now)
    columns, rows = ask.rows(_SQL["live"], chosen, limit=ask.number("limit"))
    [[total]] = ask.rows(_SQL["count"], chosen)[1]
    minutes = [
        {"minute": text_of(minute), "events": events, "sessions": open_sessions}
        for minute, events, open_sessions in ask.rows(_SQL["live_minutes"])[1]
    ]
    behind = [chosen.behind(session=row[0]) for row in rows]
    return ask.report(
        columns, rows, behind,
        total=total, parameters=dict(chosen.parameters), minutes=minutes,
    )  # fmt: skip


REPORTS = ((SESSIONS, sessions), (SESSION, session), (LIVE, live))
