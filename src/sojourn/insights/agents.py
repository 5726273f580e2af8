"""On what an event happened: browser, system, kind of device, and whether a person was there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ua_parser import parse

HUMAN = "human"
BOT = "bot"
AI_AGENT = "ai_agent"

_AI = re.compile(
    r"gptbot|chatgpt|oai-searchbot|claude|anthropic|perplexity|google-extended|ccbot|bytespider"
    r"|amazonbot|applebot-extended|meta-externalagent|cohere-ai|diffbot|duckassist|youbot|mistralai"
    r"|operator/|agentic|browser-use",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|headless|phantomjs|lighthouse|pingdom|uptime|monitor"
    r"|facebookexternalhit|preview|feed|curl/|wget/|scrapy|python-requests|go-http-client|httpclient"
    r"|selenium|puppeteer|playwright",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook", re.IGNORECASE)
_TV = re.compile(r"smart-?tv|appletv|googletv|hbbtv|roku|tizen.*tv|webos.*tv|bravia", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone", re.IGNORECASE)


class Agent(NamedTuple):
    """What a user agent says; None where it says nothing. Versions are major versions."""

    device: str | None
    os: str | None
    os_version: str | None
    browser: str | None
    browser_version: str | None
    traffic_class: str


NO_AGENT = Agent(None, None, None, None, None, HUMAN)


@lru_cache(maxsize=16384)
def agent(user_agent: str) -> Agent:
    """The facts of a user agent text."""
    if not user_agent:
        return NO_AGENT
    text = user_agent[:1024]
    found = parse(text)
    browser, system = found.user_agent, found.os
    return Agent(
        device=_device(text),
        os=system.family if system else None,
        os_version=system.major if system else None,
        browser=browser.family if browser else None,
        browser_version=browser.major if browser else None,
        traffic_class=traffic_class(text),
    )


def traffic_class(user_agent: str) -> str:
    """`human`, `bot` or `ai_agent`; automated browsers are bots."""
    if _AI.search(user_agent):
        return AI_AGENT
    return BOT if _BOT.search(user_agent) else HUMAN


def _device(text: str) -> str:
    if _TV.search(text):
        return "tv"
    if _TABLET.search(text) or ("Android" in text and "Mobile" not in text):
        return "tablet"
    return "mobile" if _MOBILE.search(text) else "desktop"
