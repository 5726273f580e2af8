"""The channel of a visit: twenty rules from top to bottom, the first that fits counts.

The rules are GA4's default channel grouping, with AI assistants and click ids added. The lists of
sources are our own: `data/sources.toml`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

DIRECT = "Direct"
REFERRAL = "Referral"
CHANNELS = (
    DIRECT,
    "Cross-network",
    "Paid Shopping",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Display",
    "Paid Other",
    "Organic Shopping",
    "Organic Social",
    "Organic Video",
    "AI Assistants",
    "Organic Search",
    REFERRAL,
    "Email",
    "Affiliates",
    "Audio",
    "SMS",
    "Mobile Push Notifications",
    "Unassigned",
)

_PAID = re.compile(r"(.*cp.*|ppc|retargeting|paid.*)")
_SHOP = re.compile(r"(.*(([^a-df-z]|^)shop|shopping).*)")
_EMAIL = re.compile(r".*e[-_ ]?mail.*")
_DISPLAY = frozenset(("display", "banner", "expandable", "interstitial", "cpm"))
_SOCIAL = frozenset(
    ("social", "social-network", "social-media", "sm", "social network", "social media")
)
_REFERRAL = frozenset(("referral", "app", "link"))
_NO_SOURCE = frozenset(("", "(direct)"))
_NO_MEDIUM = frozenset(("", "(none)", "(not set)"))
_SEARCH_CLICKS = frozenset(("gclid", "gad_source", "gbraid", "wbraid", "msclkid"))
# What a click id says of the source where nothing else does. `msclkid` and `gad_source` need a
# search source beside them.
_KIND_OF_CLICK = {
    "gclid": "search",
    "gbraid": "search",
    "wbraid": "search",
    "fbclid": "social",
    "igshid": "social",
    "twclid": "social",
    "ttclid": "social",
    "li_fat_id": "social",
}
_SECOND_LEVEL = frozenset(("co", "com", "net", "org", "ne", "or", "ac", "gov", "edu"))


class Visit(NamedTuple):
    """What a channel follows from; text, empty where unknown.

    `referrer_host` is empty for a visit from the site itself; `click_id_type` is the name of the
    parameter (`gclid`, `fbclid`, …).
    """

    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer_host: str = ""
    click_id_type: str = ""


@cache
def _categories() -> dict[str, str]:
    text = files(__package__).joinpath("data/sources.toml").read_text("utf-8")
    return {entry: name for name, entries in tomllib.loads(text).items() for entry in entries}


@lru_cache(maxsize=65536)
def category(source: str) -> str:
    """`search`, `shopping`, `social`, `video`, `ai`, `email`, or empty: of a source or a host."""
    known = _categories()
    text = source.strip().lower().removeprefix("www.")
    if text in known:
        return known[text]
    labels = text.split(".")
    if len(labels) < 2:
        return ""
    for i in range(1, len(labels) - 1):
        found = known.get(".".join(labels[i:]))
        if found:
            return found
    end = -2 if len(labels) < 3 or labels[-2] not in _SECOND_LEVEL else -3
    return known.get(labels[end], "")


@lru_cache(maxsize=65536)
def channel(visit: Visit) -> str:
    """The channel of a visit, one of `CHANNELS`."""
    source, medium, campaign, host, click = (part.strip().lower() for part in visit)
    source = "" if source in _NO_SOURCE else source
    medium = "" if medium in _NO_MEDIUM else medium
    if not (source or medium or host or click):
        return DIRECT
    if "cross-network" in campaign:
        return "Cross-network"
    kind = category(source) if source else category(host) or _KIND_OF_CLICK.get(click, "")
    return (
        _paid(kind, medium, campaign, click)
        or _organic(kind, medium, campaign)
        or _other(kind, source, medium)
        or (REFERRAL if host and not source and not medium else "Unassigned")
    )


def _paid(kind: str, medium: str, campaign: str, click: str) -> str:
    paid = _PAID.fullmatch(medium) is not None
    if paid and (kind == "shopping" or _SHOP.fullmatch(campaign)):
        return "Paid Shopping"
    if kind == "search" and (paid or click in _SEARCH_CLICKS):
        return "Paid Search"
    if paid and kind in ("social", "video"):
        return f"Paid {kind.title()}"
    if medium in _DISPLAY:
        return "Display"
    return "Paid Other" if paid else ""


def _organic(kind: str, medium: str, campaign: str) -> str:
    if kind == "shopping" or _SHOP.fullmatch(campaign):
        return "Organic Shopping"
    if kind == "social" or medium in _SOCIAL:
        return "Organic Social"
    if kind == "video" or "video" in medium:
        return "Organic Video"
    if kind == "ai":
        return "AI Assistants"
    if kind == "search" or medium == "organic":
        return "Organic Search"
    return ""


def _other(kind: str, source: str, medium: str) -> str:
    if medium in _REFERRAL:
        return REFERRAL
    if kind == "email" or _EMAIL.fullmatch(source) or _EMAIL.fullmatch(medium):
        return "Email"
    if medium == "newsletter":
        return "Email"
    if medium in ("affiliate", "affiliates"):
        return "Affiliates"
    if medium == "audio":
        return "Audio"
    if source == "sms" or medium == "sms":
        return "SMS"
    push = medium.endswith("push") or "mobile" in medium or "notification" in medium
    return "Mobile Push Notifications" if push or source == "firebase" else ""
