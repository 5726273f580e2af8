"""HTTP as clients speak it, well and badly; through raw sockets where libraries would not."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import random
import socket
import threading
import time

import pytest

from sojourn.gateway import Limits

from .conftest import KEY, Server, basic, read_to_end, serving, wait_until

AUTH = f"Authorization: {basic(KEY)}\r\n"
EVENT = b'{"userId":"u"}'


def head(extra: str = "", version: str = "1.1", path: str = "/v1/track") -> bytes:
    return f"POST {path} HTTP/{version}\r\nHost: x\r\n{AUTH}{extra}\r\n".encode()


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def test_chunked_bodies(server: Server) -> None:
    zipped = gzip.compress(EVENT)
    for body, extra in ((EVENT, ""), (zipped, "Content-Encoding: gzip\r\n")):
        pieces = [body[i : i + 3] for i in range(0, len(body), 3)]
        request = head("Transfer-Encoding: chunked\r\nConnection: close\r\n" + extra)
        assert server.exchange(request + chunked(*pieces)).endswith(b"\r\n\r\nok")
    assert [body for _, body in server.stored()] == [EVENT, EVENT]


def test_a_body_that_comes_byte_by_byte(server: Server) -> None:
    with server.socket() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = head(f"Content-Length: {len(EVENT)}\r\nConnection: close\r\n") + EVENT
        for place in range(len(request)):
            connection.sendall(request[place : place + 1])
        assert read_to_end(connection).endswith(b"ok")


def test_expect_100_continue(server: Server) -> None:
    with server.socket() as connection:
        extra = f"Expect: 100-continue\r\nContent-Length: {len(EVENT)}\r\nConnection: close\r\n"
        connection.sendall(head(extra))
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(EVENT)
        assert read_to_end(connection).endswith(b"ok")


def test_no_100_continue_for_a_key_that_is_unknown(server: Server) -> None:
    extra = "Expect: 100-continue\r\nContent-Length: 14\r\nConnection: close\r\n"
    request = head(extra).replace(AUTH.encode(), b"")
    with server.socket() as connection:
        connection.sendall(request)
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_http_1_0(server: Server) -> None:
    answer = server.exchange(head(f"Content-Length: {len(EVENT)}\r\n", "1.0") + EVENT)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nok")


def test_a_connection_lives_on_after_refusals(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    with contextlib.closing(connection):
        for body, status in ((b"{}", 400), (b"x" * 200_000, 400), (EVENT, 200), (b"", 400)):
            connection.request("POST", "/v1/track", body, {"Authorization": basic(KEY)})
            response = connection.getresponse()
            response.read()
            assert response.status == status
            first = connection.sock
        assert connection.sock is first


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    requests = [
        head(f"Content-Length: {len(body)}\r\n" + close) + body
        for body, close in ((EVENT, ""), (b"{}", ""), (EVENT, "Connection: close\r\n"))
    ]
    answer = server.exchange(b"".join(requests))
    found = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert found == [200, 400, 200]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /v1/track\r\n\r\n",
        b"POST /v1/track HTTP/9.9\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/track HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        head("Transfer-Encoding: chunked\r\n") + b"zz\r\nhello\r\n",
        head("Transfer-Encoding: chunked\r\n") + b"5\r\nhe",
        head("Transfer-Encoding: chunked\r\n") + b"fffffffffffffffffff\r\nhello",
        head("Content-Length: 1000\r\n") + b"half of it",
        b"POST " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST http://[::bad/v1/track HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        head("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n") + b"{}",
        b"GET /pixel/v1/page?%zz=%ff&writeKey=%00 HTTP/1.0\r\n\r\n",
    ],
    ids=lambda data: f"{data[:40]!r}{len(data)}",
)
def test_malformed_http_gets_no_5xx_and_nothing_is_stored(
    server: Server, request_bytes: bytes
) -> None:
    start = time.monotonic()
    try:
        answer = server.exchange(request_bytes, leave=True)
    except (ConnectionError, TimeoutError):
        answer = b""
    assert time.monotonic() - start < 6
    for part in answer.split(b"HTTP/1.1 ")[1:]:
        assert int(part[:3]) < 500
    assert server.stored() == []
    assert server.post("/v1/track", EVENT).status == 200


def test_random_bytes_do_not_hurt(server: Server) -> None:
    chance = random.Random(4)
    for _ in range(150):
        request = bytearray(head(f"Content-Length: {len(EVENT)}\r\nConnection: close\r\n") + EVENT)
        for _ in range(chance.randrange(1, 6)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for part in server.exchange(bytes(request), leave=True).split(b"HTTP/1.1 ")[1:]:
                assert int(part[:3]) < 500, bytes(request)
    assert server.post("/v1/track", EVENT).status == 200


def test_stalled_uploads_disturb_nobody_and_end() -> None:
    with serving(limits=Limits(upload_seconds=1.0)) as server, contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(server.socket(10)) for _ in range(100)]
        for number, connection in enumerate(stalled):
            connection.sendall(head("Content-Length: 50\r\n") + b"{" * (number % 3))
        wait_until(lambda: server.app.stats.active == 100)
        start = time.monotonic()
        assert server.post("/v1/track", EVENT).status == 200
        assert time.monotonic() - start < 0.5
        for connection in stalled:
            answer = read_to_end(connection)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert answer.endswith(b"failed to read body from request\n")
        assert server.app.stats.refused == {"slow_body": 100}
        assert server.app.stats.active == 0
        assert len(server.stored()) == 1


def test_an_aborted_upload_is_not_acknowledged_and_not_stored() -> None:
    with serving() as server:
        for _ in range(20):
            with server.socket() as connection:
                connection.sendall(head("Content-Length: 5000\r\n") + b'{"userId":"u"}')
        wait_until(lambda: server.app.stats.aborted == 20)
        assert server.app.stats.active == 0
        assert server.stored() == []


def test_a_slow_upload_within_the_time_is_taken() -> None:
    with serving(limits=Limits(upload_seconds=5.0)) as server, server.socket() as connection:
        connection.sendall(head(f"Content-Length: {len(EVENT)}\r\nConnection: close\r\n"))
        for place in range(len(EVENT)):
            connection.sendall(EVENT[place : place + 1])
            time.sleep(0.02)
        assert read_to_end(connection).endswith(b"ok")


def test_more_requests_at_once_than_allowed_get_503() -> None:
    with serving(limits=Limits(concurrency=2)) as server, contextlib.ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(server.socket())
            connection.sendall(head("Content-Length: 50\r\n"))
        wait_until(lambda: server.app.stats.active == 2)
        answer = server.post("/v1/track", EVENT)
        assert (answer.status, answer.text) == (503, "Service Unavailable\n")
        assert server.request("GET", "/health").status == 200
        stack.close()
        wait_until(lambda: server.app.stats.active == 0)
        assert server.post("/v1/track", EVENT).status == 200


def test_more_bytes_at_once_than_memory_allows_get_503() -> None:
    with serving(limits=Limits(buffered_bytes=100_000)) as server, server.socket() as connection:
        connection.sendall(head("Content-Length: 99000\r\n") + b" " * 60_000)
        wait_until(lambda: server.app.stats.buffered_bytes == 60_000)
        answer = server.post("/v1/track", b" " * 50_000 + EVENT)
        assert (answer.status, answer.text) == (503, "Service Unavailable\n")
        assert server.post("/v1/track", EVENT).status == 200
        connection.close()
        wait_until(lambda: server.app.stats.buffered_bytes == 0)
        assert server.post("/v1/track", b" " * 50_000 + EVENT).status == 200


def test_many_clients_at_once_are_all_answered(server: Server) -> None:
    statuses: list[int] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        with contextlib.closing(connection):
            for _ in range(20):
                connection.request("POST", "/v1/track", EVENT, {"Authorization": basic(KEY)})
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)

    threads = [threading.Thread(target=client) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 400
    assert len(server.stored()) == 400
