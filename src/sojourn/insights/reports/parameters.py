"""The parameters that reports share: the period, and the filters on sessions."""

from __future__ import annotations

from sojourn.core.ports import Parameter
from sojourn.insights.channels import CHANNELS
from sojourn.insights.reports.periods import HELP

YES_NO = ("", "yes", "no")

PERIOD = (
    Parameter("from", f"sessions that start at or after: {HELP}", "28d"),
    Parameter("to", "sessions that start before; a date includes its day", "now"),
    Parameter("zone", "time zone of dates, IANA name", "UTC"),
)

EQUAL = {
    "channel": ("channel", "channel of the visit"),
    "device": ("device", "desktop, mobile, tablet, tv"),
    "os": ("os", "operating system"),
    "os_version": ("os_version", "major version of the system"),
    "browser": ("browser", "browser"),
    "browser_version": ("browser_version", "major version of the browser"),
    "platform": ("platform", "web, android, ios, server"),
    "country": ("country", "country: of the IP address, or as events carry it"),
    "locale": ("locale", "language setting"),
    "app_version": ("app_version", "version of the app"),
    "entry_page": ("entry_page", "first view"),
    "exit_page": ("exit_page", "last view"),
    "utm_source": ("utm_source", "campaign source"),
    "utm_medium": ("utm_medium", "campaign medium"),
    "campaign": ("utm_campaign", "campaign name"),
    "referrer": ("referrer_host", "host of the referrer"),
    "state": ("state", "ok, errored, crashed"),
    "start_reason": ("start_reason", "why the session started"),
    "end_reason": ("end_reason", "why the session ended"),
    "provenance": ("provenance", "sdk, inferred, repaired"),
    "person": ("person", "stitched person"),
    "visitor": ("visitor_id", "anonymous id (or user:… where there is none)"),
    "user": ("user_id", "user id known in the session"),
    "revision": ("revision", "revision number"),
}
"""Filters that compare a column of `sessions`: name, column, help."""

FLAGS = {
    "engaged": "engaged sessions",
    "bounced": "sessions that bounced (counted and not engaged)",
    "classic_bounce": "exactly one view and no other activity",
    "counted": "sessions with a view or activity",
    "converted": "sessions with a conversion",
    "new": "first sessions of a visitor",
    "errored": "sessions with an error or crash",
    "repaired": "sessions whose ids needed a repair",
    "late": "sessions with late events",
    "viewed": "sessions with a view",
}

FILTERS = (
    Parameter("source", "source id"),
    Parameter("traffic", "class of traffic", "human", ("human", "bot", "ai_agent", "all")),
    *(
        Parameter(
            name, f"{text}; several: separated by |", "", CHANNELS if name == "channel" else ()
        )
        for name, (_, text) in EQUAL.items()
    ),
    *(Parameter(name, text, "", YES_NO) for name, text in FLAGS.items()),
    Parameter("page", "sessions that viewed this page (node); several: separated by |"),
    Parameter("has", "sessions with this node or event (any of several, separated by |)"),
    Parameter("lacks", "sessions without this node or event (none of several)"),
    Parameter("open", "sessions open at this instant, or `now`"),
    Parameter("repair", "sessions with this repair; several: separated by |"),
    Parameter("session", "these session keys; several: separated by |"),
    Parameter("search", "text in the key, visitor, person or entry page"),
)

COMMON = (*PERIOD, *FILTERS)
LIMIT = Parameter("limit", "most rows", "50")
