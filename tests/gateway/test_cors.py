"""A page of any origin may send events and read every answer, refusals included."""

from __future__ import annotations

import pytest

from .conftest import KEY, Server, basic, serving

ORIGIN = "https://shop.example.com"
ASKED = "anonymousid,authorization,content-type,rsa-retry-attempt,sentat"


def preflight(server: Server, path: str, method: str = "POST", **headers: str) -> object:
    named = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request("OPTIONS", path, headers={k: v for k, v in named.items() if v})


@pytest.mark.parametrize(
    "path", ["/v1/track", "/v1/batch", "/beacon/v1/batch", "/sourceConfig/", "/health", "/nowhere"]
)
@pytest.mark.parametrize("origin", [ORIGIN, "null", "http://localhost:8000"])
def test_a_preflight_allows_what_it_asks_for(server: Server, path: str, origin: str) -> None:
    answer = preflight(server, path, Origin=origin, Access_Control_Request_Headers=ASKED)
    assert (answer.status, answer.body) == (204, b"")
    names = {name: value for name, value in answer.headers.items() if name.startswith("access")}
    assert names == {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": ASKED,
        "access-control-max-age": "900",
    }
    assert answer.headers["vary"] == (
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    )


@pytest.mark.parametrize("headers", [{"method": "DELETE"}, {"Origin": ""}])
def test_other_preflights_get_a_bare_204(server: Server, headers: dict[str, str]) -> None:
    answer = preflight(server, "/v1/track", **headers)
    assert (answer.status, answer.body) == (204, b"")
    assert not [name for name in answer.headers if name.startswith("access")]


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "status"),
    [
        ("POST", "/v1/track", b'{"userId":"u"}', KEY, 200),
        ("POST", "/v1/track", b"{}", KEY, 400),
        ("POST", "/v1/track", b"{}", "nobody", 401),
        ("POST", "/v1/track", b"{}", "off", 404),
        ("POST", "/nowhere", b"", KEY, 404),
        ("PUT", "/v1/track", b"", KEY, 405),
        ("POST", "/v1/batch", b" " * 6_000_000, KEY, 413),
        ("GET", "/health", None, KEY, 200),
        ("GET", "/sourceConfig", None, KEY, 200),
        ("GET", "/sourceConfig", None, "nobody", 400),
        ("GET", "/pixel/v1/page", None, KEY, 200),
    ],
)
def test_every_answer_lets_the_page_read_it(
    server: Server, method: str, path: str, body: bytes | None, key: str, status: int
) -> None:
    credentials = {"Authorization": basic(key)}
    answer = server.request(method, path, body, {"Origin": ORIGIN, **credentials})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"
    plain = server.request(method, path, body, credentials)
    assert "access-control-allow-origin" not in plain.headers
    assert plain.headers["vary"] == "Origin"


def test_an_origin_that_no_header_can_hold_is_not_echoed(server: Server) -> None:
    head = f"POST /v1/track HTTP/1.0\r\nAuthorization: {basic(KEY)}\r\nContent-Length: 2\r\n"
    for line in ("Origin: a\x01b\r\n", "Origin: a\x7f\r\n", "Origin: \xff\r\n"):
        data = server.exchange((head + line + "\r\n{}").encode("latin-1"))
        assert data.startswith(b"HTTP/1.1 400 ")
        preflight_head = "OPTIONS /v1/track HTTP/1.0\r\nAccess-Control-Request-Method: POST\r\n"
        data = server.exchange((preflight_head + line + "\r\n").encode("latin-1"))
        assert data.startswith((b"HTTP/1.1 204 ", b"HTTP/1.1 400 "))


def test_the_console_behind_the_gateway_is_not_opened_to_other_origins() -> None:
    async def console(scope, receive, send):  # type: ignore[no-untyped-def]
        text = scope["path"].encode()
        await send({"type": "http.response.start", "status": 203, "headers": []})
        await send({"type": "http.response.body", "body": text})

    with serving(fallback=console) as server:
        for path in ("/", "/sessions", "/v2/track"):
            for answer in (
                server.request("GET", path, headers={"Origin": ORIGIN}),
                preflight(server, path, Access_Control_Request_Headers="content-type"),
            ):
                assert (answer.status, answer.text) == (203, path)
                assert "access-control-allow-origin" not in answer.headers
        assert server.post("/v1/track", b'{"userId":"u"}').text == "ok"
        # A login page's 200 after a redirect would look like the delivery of the events.
        for path in ("/v1/track/", "//v1/track", "/v1/webhook", "/internal/v1/batch"):
            answer = server.post(path, b'{"userId":"u"}', Origin=ORIGIN)
            assert (answer.status, answer.text) == (404, "404 page not found\n")
            assert answer.headers["access-control-allow-origin"] == ORIGIN
