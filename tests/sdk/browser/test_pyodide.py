"""Python in a real browser: sessions survive reloads, events survive the page, SDKs agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sojourn.sdk.cookies import read_cookie

from ...program import Running, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLIENT = """
from sojourn import Client, Delivery
c = Client("key", "URL", profile="web", strict=True, delivery=Delivery(interval=INTERVAL))
"""


def open_page(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_function("window.ready")


def python(page: Any, code: str) -> Any:
    return page.evaluate("code => run(code)", code)


def client(page: Any, url: str, interval: float = 0.05) -> None:
    python(page, CLIENT.replace("URL", url).replace("INTERVAL", str(interval)))


def cookie(page: Any, name: str) -> Any:
    header = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())
    return read_cookie(header, name).value


def test_a_session_survives_a_reload_and_events_survive_the_page(page: Any, site: Any) -> None:
    open_page(page, f"{site.url}/page/shop?utm_source=letter&utm_campaign=may#top")
    client(page, site.url)
    python(page, "c.identify('u-1', {'plan': 'pro'}); c.track('one'); c.page('Shop')")
    one = site.named("one")
    assert site.way_of("one") == "/v1/batch"
    assert one["context"]["sessionId"] == cookie(page, "rl_session")["id"]
    assert one["anonymousId"] == cookie(page, "rl_anonymous_id")
    assert one["userId"] == "u-1" == cookie(page, "rl_user_id")
    assert one["channel"] == "web"
    assert one["context"]["campaign"] == {"source": "letter", "name": "may"}
    assert one["context"]["page"]["path"] == "/page/shop"
    assert "Chrome" in one["context"]["userAgent"]
    assert site.events[0]["context"]["sessionStart"] is True
    (seen,) = [event for event in site.events if event["type"] == "page"]
    assert seen["properties"]["title"] == "Python on a page"

    page.reload()
    page.wait_for_function("window.ready")
    client(page, site.url, interval=60)
    python(page, "c.track('two'); c.track('three')")
    page.goto(f"{site.url}/blank")
    for name in ("two", "three"):
        event = site.named(name)
        assert site.way_of(name) == "/beacon/v1/batch?writeKey=key"
        assert event["context"]["sessionId"] == one["context"]["sessionId"]
        assert "sessionStart" not in event["context"]
        assert event["anonymousId"] == one["anonymousId"]
        assert (event["userId"], event["context"]["traits"]) == ("u-1", {"plan": "pro"})
        assert event["sentAt"] >= event["originalTimestamp"]


def test_what_cannot_leave_with_the_page_comes_with_the_next(page: Any, site: Any) -> None:
    open_page(page, f"{site.url}/page")
    client(page, site.url, interval=60)
    python(page, "for n in range(40): c.track(f'big {n}', {'text': 'x' * 5000})")
    page.goto(f"{site.url}/blank")
    page.wait_for_function("Object.keys(localStorage).length === 1")
    open_page(page, f"{site.url}/page")
    client(page, site.url)
    assert python(page, "await c.aflush(60)") is True
    names = [event["event"] for event in site.events]
    assert sorted(names) == sorted(f"big {n}" for n in range(40))
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_a_server_that_is_down_is_tried_again(page: Any, site: Any) -> None:
    open_page(page, f"{site.url}/page")
    site.up = False
    client(page, site.url)
    python(page, "c.track('patient')")
    assert python(page, "await c.aflush(0.3)") is False
    site.up = True
    assert python(page, "await c.aflush(60)") is True
    assert site.named("patient")
    retried, sent = python(page, "[c.stats.retried, c.stats.sent]")
    assert retried >= 1
    assert sent == 1
    assert python(page, "await c.aclose()") is True
    assert python(page, "c.stats.reasons.get('the client was closed', 0)") == 0


def test_javascript_and_python_share_one_session(page: Any, site: Any) -> None:
    open_page(page, f"{site.url}/page")
    page.evaluate("([key, url]) => loadJavaScriptSDK(key, url)", ["key", site.url])
    page.evaluate("analytics.identify('from-js', {plan: 'pro'}); analytics.track('js one')")
    first = site.named("js one")
    client(page, site.url)
    python(page, "c.track('py one')")
    second = site.named("py one")
    assert second["context"]["sessionId"] == first["context"]["sessionId"]
    assert "sessionStart" not in second["context"]
    assert second["anonymousId"] == first["anonymousId"]
    assert second["userId"] == "from-js"
    assert second["context"]["traits"] == {"plan": "pro"}
    assert second["context"]["page"] == first["context"]["page"]

    python(page, "c.start_session(1234567890)")
    page.evaluate("analytics.track('js two')")
    assert site.named("js two")["context"]["sessionId"] == 1234567890
    assert site.named("js two")["context"]["sessionStart"] is True
    python(page, "c.track('py two')")
    assert site.named("py two")["context"]["sessionId"] == 1234567890
    assert "sessionStart" not in site.named("py two")["context"]

    page.evaluate("analytics.reset()")
    python(page, "c.track('py three')")
    third = site.named("py three")
    assert "userId" not in third
    assert third["context"]["sessionId"] == page.evaluate("analytics.getSessionId()")

    python(page, "c.identify('from-py')")
    open_page(page, f"{site.url}/page")
    page.evaluate("([key, url]) => loadJavaScriptSDK(key, url)", ["key", site.url])
    assert page.evaluate("analytics.getUserId()") == "from-py"
    assert page.evaluate("analytics.getSessionId()") == third["context"]["sessionId"]


def test_a_worker_sends_with_a_session_in_memory(page: Any, site: Any) -> None:
    page.goto(f"{site.url}/blank")
    code = CLIENT.replace("URL", site.url).replace("INTERVAL", "0.05")
    code += "c.track('one'); c.track('two')\nawait c.aclose(60)"
    shown = page.evaluate(
        """([wheel, code]) => new Promise((done) => {
          const worker = new Worker("/worker.mjs", { type: "module" });
          worker.onmessage = ({ data }) => done(data);
          worker.postMessage({ wheel, code });
        })""",
        [f"{site.url}/{site.wheel.name}", code],
    )
    assert shown is True
    one, two = site.named("one"), site.named("two")
    assert one["context"]["sessionStart"] is True
    assert one["context"]["sessionId"] == two["context"]["sessionId"]
    assert one["anonymousId"] == two["anonymousId"]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A `sojourn serve` of its own origin."""
    import os
    import time

    data = tmp_path / "data"
    environment = os.environ | {"SOJOURN_WRITE_KEY": "key-of-this-test"}
    process = Running("serve", "--port", "0", "--data-dir", data, env=environment)
    try:
        until = time.monotonic() + 60
        while not (data / "serve.json").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        yield json.loads((data / "serve.json").read_text())["url"], data
    finally:
        process.terminate()
        process.wait(30)


def test_the_real_gateway_takes_fetches_and_beacons_from_another_origin(
    page: Any, site: Any, gateway: tuple[str, Path], eventually: Any
) -> None:
    url, data = gateway
    open_page(page, f"{site.url}/page")
    code = CLIENT.replace('"key"', '"key-of-this-test"').replace("URL", url)
    python(page, code.replace("INTERVAL", "60"))
    python(page, "c.track('fetched')")
    assert python(page, "await c.aflush(60)") is True
    python(page, "c.track('beaconed')")
    page.goto(f"{site.url}/blank")

    def stored() -> bool:
        done = run("export", "events", "--data-dir", data, "--json")
        assert done.returncode == 0, done.stderr
        return '"fetched"' in done.stdout and '"beaconed"' in done.stdout

    eventually(stored, 60)
