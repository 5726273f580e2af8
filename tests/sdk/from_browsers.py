"""Requests of a browser with a session, and a back end that tracks."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from sojourn import Client
from sojourn.sdk.cookies import encode_cookie


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def session(**more: Any) -> dict[str, Any]:
    now = now_ms()
    return {
        "id": now - 60_000,
        "expiresAt": now + 600_000,
        "timeout": 1_800_000,
        "autoTrack": True,
        "sessionStart": False,
        **more,
    }


def cookie_header(record: Any, user: str = "u-1", encoding: Any = "v3") -> str:
    return "; ".join(
        (
            f"rl_session={encode_cookie(record, encoding)}",
            f"rl_anonymous_id={encode_cookie('anon-1', encoding)}",
            f"rl_user_id={encode_cookie(user, encoding)}",
            'odd={"a": "b"}',
        )
    )


def joined(event: dict[str, Any]) -> tuple[Any, Any, Any]:
    return event.get("anonymousId"), event.get("userId"), event["context"].get("sessionId")


def get(url: str, **headers: str) -> tuple[str, list[str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=named)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), answer.headers.get_all("Set-Cookie") or []


def wsgi_app(client: Client) -> Callable[..., Any]:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        client.track("before")

        def body() -> Iterator[bytes]:
            client.track("streamed")
            yield b"hello"

        start_response("200 OK", [("Content-Type", "text/plain")])
        return body()

    return app
