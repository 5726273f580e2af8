"""Django and Celery: events carry the browser's session, also across processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sojourn import Client
from sojourn.sdk.cookies import browser_identity, encode_cookie
from sojourn.sdk.integrations.request import Joining

from .from_browsers import cookie_header, joined, now_ms, session

RENEW = Joining(renew=True)


# Django


@pytest.fixture(scope="module")
def django() -> Any:
    module = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=__name__,
            MIDDLEWARE=["sojourn.sdk.integrations.django.Middleware"],
            SECRET_KEY="test",
        )
        module.setup()
    return module


urlpatterns: list[Any] = []


def django_views(client: Client) -> None:
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import path

    def plain(request: Any) -> Any:
        client.track("plain")
        return HttpResponse("hi")

    async def asynchronous(request: Any) -> Any:
        client.track("async")
        return HttpResponse("hi")

    def streamed(request: Any) -> Any:
        def parts() -> Iterator[bytes]:
            client.track("streamed")
            yield b"hi"

        return StreamingHttpResponse(parts())

    async def streamed_async(request: Any) -> Any:
        async def parts() -> Any:
            client.track("streamed async")
            yield b"hi"

        return StreamingHttpResponse(parts())

    urlpatterns[:] = [
        path("", plain),
        path("async", asynchronous),
        path("streamed", streamed),
        path("streamed-async", streamed_async),
    ]


def test_django_requests_join(django: Any, stub: Any, client: Client) -> None:
    from django.conf import settings
    from django.test import Client as Browser

    settings.SOJOURN_CLIENT = client
    django_views(client)
    record = session()
    browser = Browser(HTTP_COOKIE=cookie_header(record))
    for path in ("/", "/async", "/streamed"):
        assert browser.get(path).getvalue() == b"hi"
    assert client.session_id is None
    assert client.flush()
    assert stub.names == ["plain", "async", "streamed"]
    for event in stub.accepted:
        assert joined(event) == ("anon-1", "u-1", record["id"])


async def test_django_joins_under_asgi_and_finds_the_client_by_name(
    django: Any, stub: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings
    from django.test import AsyncClient

    monkeypatch.setattr(sys.modules[__name__], "named", client, raising=False)
    settings.SOJOURN_CLIENT = f"{__name__}.named"
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    django_views(client)
    browser = AsyncClient()
    browser.cookies["rl_user_id"] = encode_cookie("u-1")
    for path in ("/", "/async"):
        assert (await browser.get(path)).content == b"hi"
    response = await browser.get("/streamed-async")
    assert b"".join([part async for part in response]) == b"hi"
    assert await client.aflush()
    assert [e["userId"] for e in stub.accepted] == ["u-1"] * 3


def test_django_sets_cookies_if_told_to(django: Any, client: Client) -> None:
    from django.conf import settings
    from django.test import Client as Browser

    settings.SOJOURN_CLIENT = client
    settings.SOJOURN_JOINING = RENEW
    django_views(client)
    try:
        browser = Browser()
        browser.get("/", headers={"accept": "text/html"})
        header = "; ".join(f"{m.key}={m.coded_value}" for m in browser.cookies.values())
        assert browser_identity(header, now_ms=now_ms()).session_id
        assert browser.cookies["rl_session"]["samesite"] == "Lax"
        assert not browser.cookies["rl_session"]["httponly"]
    finally:
        del settings.SOJOURN_JOINING


# Celery


def _no_logging(**_: Any) -> None:
    """Keeps the worker from setting up the logging of this process."""


def test_celery_tasks_carry_the_session_of_their_sender(stub: Any, client: Client) -> None:
    celery = pytest.importorskip("celery")
    from celery.contrib.testing.worker import start_worker

    from sojourn.sdk.integrations.celery import install

    celery.signals.setup_logging.connect(_no_logging, weak=False)
    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    remove = install(client)

    @app.task
    def work(name: str) -> Any:
        client.track(name)
        return client.session_id

    try:
        with start_worker(app, perform_ping_check=False, loglevel="critical", pool="solo"):
            with client.scope(user_id="u", anonymous_id="a", session_id=1234567890):
                assert work.delay("joined").get(timeout=10) == 1234567890
                assert work.apply(args=("eager",)).get() == 1234567890
            assert client.session_id is None
    finally:
        remove()
    assert client.flush()
    assert sorted(stub.names) == ["eager", "joined"]
    for event in stub.accepted:
        assert joined(event) == ("a", "u", 1234567890)
