"""User agents are read under the names that the vendors' reports are used to."""

from __future__ import annotations

import pytest

from sojourn.destinations.user_agent import Agent, parsed

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.82"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15"


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
            Agent("Chrome", "Chrome", "124.0.6367.82", "Windows", None),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36",
            Agent("Chrome", "Chrome Mobile", "124.0.6367.82", "Android", "Google"),
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36 OPR/110.0.0.0",
            Agent("Opera", "Opera", "110.0.0.0", "Linux", None),
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Edg/125.0.2535.51",
            Agent("Edge", "Edge", "125.0.2535.51", "Windows", None),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
            Agent("Safari", "Safari", "17.4.1", "Mac", None),
        ),
        (
            f"{IPHONE} (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
            Agent("Mobile Safari", "Mobile Safari", "17.4.1", "iPhone", "Apple"),
        ),
        (
            f"{IPHONE} (KHTML, like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1",
            Agent("Chrome", "Chrome Mobile", "124.0.6367.88", "iPhone", "Apple"),
        ),
        (
            f"{IPHONE} (KHTML, like Gecko) Mobile/15E148",
            Agent("WebKit", "WebKit", "605.1.15", "iPhone", "Apple"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
            Agent("Firefox", "Firefox", "115.0", "Linux", None),
        ),
        (
            "Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1",
            Agent("Mobile Safari", "Mobile Safari", "12.1.2", "iPhone", "Apple"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-T870) {CHROME} Safari/537.36",
            Agent("Chrome", "Chrome", "124.0.6367.82", "Android", "Samsung"),
        ),
        (
            "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP1A.240505.005)",
            Agent(None, None, None, "Android", "Google"),
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Agent()),
        ("curl/8.5.0", Agent()),
        ("", Agent()),
    ],
)
def test_browser_version_system_and_vendor(user_agent: str, agent: Agent) -> None:
    assert parsed(user_agent) == agent
