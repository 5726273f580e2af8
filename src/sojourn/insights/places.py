"""Where an event happened: the URL taken apart, and the node it stands for in a journey.

Rules of a node: lower-case host without `www.`, no scheme, no fragment (unless it routes), no
query beyond an allow-list, no trailing slash; segments that are integers, UUIDs, long hex, dates
or e-mail addresses become `:id`, `:uuid`, `:hex`, `:date`, `:email`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from sojourn.insights.channels import Visit, channel

CLICK_IDS = (
    "gclid",
    "gbraid",
    "wbraid",
    "gad_source",
    "msclkid",
    "fbclid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "igshid",
    "yclid",
    "dclid",
)
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_LONGEST = 2048

_SEGMENT = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<id>\d+)"
    r"|(?P<email>[^@\s]+@[^@\s]+\.[^@\s]+)"
    r"|(?P<hex>(?=[a-f]*\d)[0-9a-f]{8,})"
)


class Place(NamedTuple):
    """The columns that follow from where an event happened; None where unknown."""

    url: str | None
    host: str | None
    path: str | None
    page_node: str | None
    referrer: str | None
    referrer_host: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    click_id: str | None
    click_id_type: str | None
    channel: str


def segment(text: str) -> str:
    """One segment of a path with what is special to a person or thing taken out."""
    found = _SEGMENT.fullmatch(text)
    return f":{found.lastgroup}" if found else text


def split(url: str) -> tuple[str, str, str, str]:
    """Host (lower case, no `www.`, no port 80 or 443), path, query, fragment of any text."""
    rest, _, fragment = url.partition("#")
    rest, _, query = rest.partition("?")
    _, mark, after = rest.partition("://")
    if mark:
        host, _, path = after.partition("/")
    elif rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
    else:
        host, path = "", rest.lstrip("/")
    host = host.rpartition("@")[2].lower().removeprefix("www.")
    for port in (":80", ":443"):
        host = host.removesuffix(port)
    return host, "/" + path, query, fragment


def node_of(host: str, path: str, fragment: str = "", query: str = "") -> str:
    """The node of a page; `query` is what the allow-list let through, `fragment` only routes."""
    segments = [segment(part) for part in unquote(path).lower().split("/") if part]
    if fragment[:1] in ("/", "!"):
        segments += [segment(part) for part in fragment.lstrip("!").lower().split("/") if part]
    text = f"{host}/{'/'.join(segments)}"
    return f"{text}?{query}" if query else text


def host_of(referrer: str) -> str:
    """The host of a referrer; empty for none (`$direct` says so on the web)."""
    return "" if referrer in ("", "$direct") else split(referrer)[0]


def _text(value: str | None) -> str | None:
    return value[:_LONGEST] if value else None


class Places:
    """Takes URLs apart, and remembers the last ones.

    `keep`: query parameters that belong to a node. `rules`: (pattern, replacement) pairs over the
    node, in order.
    """

    def __init__(
        self,
        keep: Sequence[str] = (),
        rules: Sequence[tuple[str, str]] = (),
        remembered: int = 65536,
    ) -> None:
        self._keep = frozenset(keep)
        self._rules = [(re.compile(pattern), text) for pattern, text in rules]
        self.place: Callable[..., Place] = lru_cache(remembered)(self._place)
        self.screen: Callable[[str], str] = lru_cache(remembered)(self._screen)

    def _ruled(self, node: str) -> str:
        for pattern, text in self._rules:
            node = pattern.sub(text, node)
        return node[:_LONGEST]

    def _screen(self, name: str) -> str:
        return self._ruled(name)

    def _place(self, url: str, path: str, referrer: str, campaign: tuple[str, ...]) -> Place:
        """`campaign`: source, medium, name, term, content as the SDK saw them; '' where unknown."""
        host, url_path, query, fragment = split(url) if url else ("", path or "", "", "")
        pairs = parse_qsl(query, keep_blank_values=False) if query else []
        asked = dict(pairs)
        utm = [seen or asked.get(name, "") for seen, name in zip(campaign, UTM, strict=True)]
        click = next((name for name in CLICK_IDS if name in asked), "")
        kept = "&".join(f"{k}={v}" for k, v in sorted(pairs) if k in self._keep)
        path = url_path if url else path
        source_host = host_of(referrer)
        if source_host == host:
            source_host = ""
        node = self._ruled(node_of(host, path, fragment, kept)) if path else None
        visit = Visit(utm[0], utm[1], utm[2], source_host, click)
        return Place(
            url=_text(url),
            host=host or None,
            path=_text(path),
            page_node=node,
            referrer=_text("" if referrer == "$direct" else referrer),
            referrer_host=source_host or None,
            utm_source=_text(utm[0]),
            utm_medium=_text(utm[1]),
            utm_campaign=_text(utm[2]),
            utm_term=_text(utm[3]),
            utm_content=_text(utm[4]),
            click_id=_text(asked[click]) if click else None,
            click_id_type=click or None,
            channel=channel(visit),
        )
