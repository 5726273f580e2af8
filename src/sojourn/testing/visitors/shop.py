"""The facts of the simulated shop: what it sells, what its people use, where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOST: Final = "shop.example"
ORIGIN: Final = f"https://{HOST}"


@dataclass(frozen=True)
class Product:
    """One thing on sale; its page is `/p/NUMBER`. `price` in euros."""

    number: int
    name: str
    category: str
    price: float


@dataclass(frozen=True)
class Equipment:
    """What a person visits with, named as the sessions table names it."""

    platform: str
    browser: str
    os: str
    device: str
    width: int
    height: int
    density: float
    agent: str = ""
    manufacturer: str = ""
    model: str = ""
    os_version: str = ""


@dataclass(frozen=True)
class Origin:
    """Where a visit comes from: its channel, the referrer and the query of the landing URL."""

    channel: str
    referrer: str = ""
    query: str = ""
    bounce: float = 0.38


CATEGORIES: Final = ("tents", "backpacks", "stoves", "jackets")

PRODUCTS: Final = tuple(
    Product(shelf * 1000 + place, name, category, price)
    for shelf, (category, goods) in enumerate(
        {
            "tents": (("Dome 2", 219.0), ("Tunnel 4", 489.0), ("Bivy", 129.0)),
            "backpacks": (("Day 22", 79.0), ("Trek 55", 189.0), ("City 18", 64.5)),
            "stoves": (("Gas Mini", 39.9), ("Wood Pro", 89.0), ("Twin", 119.0)),
            "jackets": (("Rain Shell", 149.0), ("Down 700", 279.0), ("Fleece", 59.9)),
        }.items(),
        1,
    )
    for place, (name, price) in enumerate(goods, 101)
)

QUERIES: Final = ("two person tent", "rain jacket", "light stove", "backpack 40l", "gift card")

ARTICLES: Final = ("first-night-outside", "how-to-pack", "care-for-down")

COUNTRIES: Final = (
    ("DE", "de-DE", "GMT+0100", 46),
    ("NL", "nl-NL", "GMT+0100", 14),
    ("GB", "en-GB", "GMT+0000", 18),
    ("US", "en-US", "GMT-0500", 14),
    ("ES", "es-ES", "GMT+0100", 8),
)
"""Country, locale, zone as the SDK writes it, weight."""

_MOZILLA: Final = "Mozilla/5.0"
_KHTML: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WEBKIT: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE: Final = "(iPhone; CPU iPhone OS 18_6 like Mac OS X)"
_MAC: Final = "(Macintosh; Intel Mac OS X 10_15_7)"
_WINDOWS: Final = "(Windows NT 10.0; Win64; x64)"

EQUIPMENT: Final = (
    (
        Equipment(
            "web", "Mobile Safari", "iOS", "mobile", 390, 844, 3,
            f"{_MOZILLA} {_IPHONE} {_WEBKIT} Version/18.6 Mobile/15E148 Safari/604.1",
        ),
        24,
    ),
    (
        Equipment(
            "web", "Chrome Mobile", "Android", "mobile", 412, 915, 2.625,
            f"{_MOZILLA} (Linux; Android 10; K) {_KHTML} Chrome/150.0.0.0 Mobile Safari/537.36",
        ),
        17,
    ),
    (
        Equipment(
            "web", "Chrome", "Windows", "desktop", 1920, 1080, 1,
            f"{_MOZILLA} {_WINDOWS} {_KHTML} Chrome/150.0.0.0 Safari/537.36",
        ),
        18,
    ),
    (
        Equipment(
            "web", "Safari", "Mac OS X", "desktop", 1512, 982, 2,
            f"{_MOZILLA} {_MAC} {_WEBKIT} Version/18.6 Safari/605.1.15",
        ),
        9,
    ),
    (
        Equipment(
            "web", "Firefox", "Linux", "desktop", 1680, 1050, 1,
            f"{_MOZILLA} (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
        ),
        6,
    ),
    (
        Equipment(
            "web", "Edge", "Windows", "desktop", 1536, 864, 1.25,
            f"{_MOZILLA} {_WINDOWS} {_KHTML} Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
        ),
        6,
    ),
    (
        Equipment(
            "android", "", "Android", "mobile", 1080, 2400, 420,
            manufacturer="Google", model="Pixel 9", os_version="16",
        ),
        11,
    ),
    (
        Equipment(
            "ios", "", "iOS", "mobile", 390, 844, 3,
            manufacturer="Apple", model="iPhone17,3", os_version="18.6",
        ),
        9,
    ),
)  # fmt: skip
"""What people visit with, and its weight."""

_ROBOT: Final = f"{_MOZILLA} AppleWebKit/537.36 (KHTML, like Gecko; compatible;"
ROBOTS: Final = (
    f"{_ROBOT} Googlebot/2.1; +http://www.google.com/bot.html) Chrome/150.0.0.0 Safari/537.36",
    f"{_ROBOT} GPTBot/1.3; +https://openai.com/gptbot)",
    f"{_ROBOT} bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/150.0.0.0 Safari/537.36",
)
"""Browsers without a person; they run scripts, so the SDK reports them too."""

ORIGINS: Final = (
    (Origin("Direct", bounce=0.3), 24),
    (Origin("Organic Search", "https://www.google.com/", bounce=0.36), 24),
    (Origin("Organic Search", "https://duckduckgo.com/", bounce=0.36), 4),
    (
        Origin(
            "Paid Search",
            "https://www.google.com/",
            "?utm_source=google&utm_medium=cpc&utm_campaign=autumn&gclid=Cj0KCQiA7",
            bounce=0.45,
        ),
        14,
    ),
    (
        Origin(
            "Paid Social",
            "https://l.instagram.com/",
            "?utm_source=instagram&utm_medium=paid_social&utm_campaign=autumn_story",
            bounce=0.56,
        ),
        10,
    ),
    (Origin("Organic Social", "https://www.reddit.com/", bounce=0.5), 5),
    (
        Origin(
            "Email",
            query="?utm_source=newsletter&utm_medium=email&utm_campaign=november",
            bounce=0.22,
        ),
        11,
    ),
    (Origin("Referral", "https://hikeblog.example/best-tents", bounce=0.4), 5),
    (Origin("AI Assistants", "https://chatgpt.com/", bounce=0.3), 3),
)
"""Where visits on the web come from, and the weight of each."""
