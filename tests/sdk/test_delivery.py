"""Whatever the server does: nothing is lost that may be kept, and every drop has a reason."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from sojourn import Client, Delivery, DeliveryError
from sojourn.sdk.verdicts import MAX_RETRY_AFTER, backoff, judge, seconds_to_wait

FAST = Delivery(interval=0.02, timeout=5, max_backoff=0.1)


def client(url: str, **more: Any) -> Client:
    return Client("key", url, **{"delivery": FAST, "strict": True, **more})


def send(c: Client, count: int, **properties: Any) -> list[str]:
    sent = [c.track(f"E{n}", {"n": n, **properties}, user_id="u") for n in range(count)]
    assert all(sent)
    return [message_id for message_id in sent if message_id]


def test_a_batch_is_gzipped_json_with_the_key_and_the_time_of_sending(stub: Any) -> None:
    c = client(stub.url)
    sent = send(c, 3)
    assert c.flush()
    (request,) = stub.requests
    assert request["line"] == "POST /v1/batch HTTP/1.1"
    assert request["headers"]["authorization"] == "Basic a2V5Og=="
    assert request["headers"]["content-encoding"] == "gzip"
    assert stub.ids == sent
    for event in stub.accepted:
        assert event["sentAt"] >= event["originalTimestamp"]
    c.close()


def test_a_path_in_the_url_comes_before_the_endpoint(stub: Any) -> None:
    with client(stub.url + "/a/b/", delivery=FAST._replace(gzip=False)) as c:
        send(c, 1)
    assert stub.requests[0]["line"] == "POST /a/b/v1/batch HTTP/1.1"
    assert "content-encoding" not in stub.requests[0]["headers"]


def test_many_batches_share_one_connection_and_keep_their_order(stub: Any) -> None:
    with client(stub.url, delivery=FAST._replace(batch=10)) as c:
        sent = send(c, 95)
    assert stub.ids == sent
    assert stub.connections == 1
    assert max(len(request["batch"]) for request in stub.requests) == 10


@pytest.mark.parametrize(
    "answers",
    [
        [500],
        [503, 502, 504],
        [429],
        [408],
        ["reset"],
        ["close"],
        ["lose"],
        [301],
        [(429, {"Retry-After": "0"}, "slow down")],
        [(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "")],
    ],
    ids=str,
)
def test_what_passes_is_tried_again_with_the_same_message_ids(
    stub: Any, answers: list[Any]
) -> None:
    stub.answers = list(answers)
    c = client(stub.url)
    sent = send(c, 5)
    assert c.flush(20)
    assert stub.lost(sent) == 0
    assert c.stats.sent == 5
    assert c.stats.retried + stub.connections >= len(answers)
    assert c.stats.dropped == c.stats.rejected == 0
    attempts = [[event["messageId"] for event in r["batch"]] for r in stub.requests]
    assert all(attempt == sent for attempt in attempts)
    c.close()


def test_retry_after_is_kept_to(stub: Any) -> None:
    stub.answers = [(429, {"Retry-After": "1"}, "later")]
    c = client(stub.url)
    start = time.monotonic()
    send(c, 1)
    assert c.flush(10)
    assert time.monotonic() - start >= 0.95
    c.close()


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_final_refusal_is_counted_with_its_reason_and_told(stub: Any, status: int) -> None:
    stub.answers = [(status, {}, "invalid write key\n")]
    told: list[DeliveryError] = []
    c = client(stub.url, on_error=told.append)
    send(c, 3)
    assert not c.flush(10)
    reason = f"HTTP {status}: invalid write key"
    assert c.stats.rejected == 3
    assert c.stats.reasons == {reason: 3}
    assert told[0].reason == reason
    assert len(told[0].events) == 3
    sent = send(c, 2)
    assert c.flush(10)
    assert stub.ids == sent
    c.close()


def test_what_on_error_raises_does_not_stop_the_delivery(stub: Any) -> None:
    def broken(error: DeliveryError) -> None:
        raise RuntimeError("the program's own")

    stub.answers = [401]
    with client(stub.url, on_error=broken) as c:
        send(c, 1)
        c.flush(5)
        send(c, 1)
    assert len(stub.accepted) == 1


@pytest.mark.parametrize("status", [400, 413])
def test_only_the_bad_event_of_a_refused_batch_is_lost(stub: Any, status: int) -> None:
    def answer(request: dict[str, Any]) -> int:
        return status if any(e["event"] == "E7" for e in request["batch"]) else 200

    stub.default = answer
    c = client(stub.url, delivery=FAST._replace(interval=0.2))
    send(c, 20)
    assert not c.flush(10)
    assert c.stats.rejected == 1
    assert c.stats.sent == 19
    assert stub.names == [f"E{n}" for n in range(20) if n != 7]
    c.close()


def test_a_request_is_never_larger_than_the_data_plane_takes(stub: Any) -> None:
    with client(stub.url) as c:
        sent = send(c, 12, text="x" * 900_000)
        assert c.flush(20)
    assert stub.lost(sent) == 0
    assert max(len(request["raw"]) for request in stub.requests) < 4_096_000


def test_a_server_that_is_down_loses_nothing_once_it_is_back(stub: Any, dead_url: str) -> None:
    stub.default = "reset"
    c = client(stub.url)
    sent = send(c, 50)
    assert not c.flush(1)
    stub.default = 200
    assert c.flush(10)
    assert stub.lost(sent) == 0
    c.close()


def test_retries_end_where_the_program_says_so(dead_url: str) -> None:
    c = client(dead_url, delivery=FAST._replace(retry_for=0.3))
    send(c, 4)
    assert not c.flush(10)
    assert c.stats.dropped == 4
    (reason,) = c.stats.reasons
    assert reason.startswith("given up: ConnectionRefusedError")
    c.close()


def test_calls_never_wait_for_the_network(stub: Any) -> None:
    stub.default = "hang"
    c = client(stub.url)
    start = time.monotonic()
    send(c, 1000)
    assert time.monotonic() - start < 1
    assert c.stats.queued == 1000
    start = time.monotonic()
    assert not c.flush(0.2)
    assert not c.close(0.2)
    assert time.monotonic() - start < 1.5
    assert c.stats.dropped == 1000
    assert c.stats.reasons == {"not delivered before the client was closed": 1000}


def test_a_slow_answer_is_a_time_out_and_a_retry(stub: Any) -> None:
    stub.answers = ["hang"]
    c = client(stub.url, delivery=FAST._replace(timeout=0.2))
    sent = send(c, 3)
    assert c.flush(10)
    assert stub.ids == sent
    assert c.stats.retried == 1
    c.close()


def test_backoff_doubles_up_to_its_ceiling() -> None:
    for attempt, expected in ((1, 0.5), (2, 1), (5, 8), (8, 60), (500, 60)):
        assert 0.9 * expected <= backoff(attempt, 60) <= expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, None), ("", None), ("3", 3), ("1e9", MAX_RETRY_AFTER), ("-5", 0), ("soon", None)],
)
def test_retry_after_is_read(text: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(text) == seconds


def test_a_single_event_is_not_split() -> None:
    assert judge(413, "", None, 1).what == "reject"
    assert judge(413, "", None, 2).what == "split"


def test_where_no_thread_can_start_the_end_delivers_by_itself(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    c = client(stub.url)
    start = threading.Thread.start
    with monkeypatch.context() as patched:
        patched.setattr(
            "threading.Thread.start",
            lambda self: refuse(self) if self.name.startswith("sojourn") else start(self),
        )
        sent = send(c, 250)
        assert "can't create new thread" in str(c.stats.last_error)
        assert c.stats.queued == 250
        assert c.close(10)
    assert stub.ids == sent
    assert stub.doubled == 0
