"""One SDK in a process of its own: `subject.py NAME MODE URL FOLDER COUNT`. Prints JSON.

Modes: `import` (time of the import), `loop` (calls one after another, then the end), `defaults`
(the same with the queue as it is by default), `exit` (calls, then the end of the program,
without a flush).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

HUGE = 1_000_000


class Subject(NamedTuple):
    """What a benchmark needs of an SDK."""

    track: Callable[[dict[str, Any]], Any]
    finish: Callable[[], Any]


def properties(n: int) -> dict[str, Any]:
    """A fresh payload, 560 bytes of JSON: building it is part of every figure."""
    return {
        "order_id": f"order-{n:08d}",
        "revenue": 129.95,
        "currency": "EUR",
        "coupon": "SPRING",
        "products": [
            {"sku": "A-1", "name": "Green shirt", "price": 29.95, "quantity": 2, "new": True},
            {"sku": "B-22", "name": "Blue trousers", "price": 70.05, "quantity": 1, "new": False},
            {"sku": "C-333", "name": "Socks", "price": 4.5, "quantity": 10, "new": False},
        ],
        "shipping": {"city": "Zurich", "zip": "8001", "country": "CH", "method": "express"},
        "first": n == 0,
        "note": None,
        "tags": ["summer", "sale", "returning", "newsletter"],
        "text": "Please leave the parcel with the neighbours on the second floor.",
    }


def sojourn_desktop(url: str, folder: str, unlimited: bool) -> Subject:
    """Sessions stamped, every event on disk before the call returns."""
    from sojourn import Client, QueueLimits

    limits = QueueLimits(events=HUGE, bytes=1 << 30) if unlimited else QueueLimits()
    client = Client("key", url, profile="desktop", storage=folder, queue=limits)
    return Subject(lambda p: client.track("OrderCompleted", p), lambda: client.close(60))


def sojourn_server(url: str, folder: str, unlimited: bool) -> Subject:
    """Persons named by the program, everything in memory."""
    from sojourn import Client, QueueLimits

    limits = QueueLimits(events=HUGE, bytes=1 << 30) if unlimited else QueueLimits()
    client = Client("key", url, queue=limits)
    return Subject(
        lambda p: client.track("OrderCompleted", p, user_id="user-1"), lambda: client.close(60)
    )


def rudder(url: str, folder: str, unlimited: bool) -> Subject:
    """rudder-sdk-python."""
    from rudderstack.analytics.client import Client

    client = Client("key", host=url, **({"max_queue_size": HUGE} if unlimited else {}))
    return Subject(lambda p: client.track("user-1", "OrderCompleted", p), client.shutdown)


def segment(url: str, folder: str, unlimited: bool) -> Subject:
    """segment-analytics-python."""
    from segment.analytics.client import Client

    client = Client("key", host=url, **({"max_queue_size": HUGE} if unlimited else {}))
    return Subject(lambda p: client.track("user-1", "OrderCompleted", p), client.shutdown)


def posthog(url: str, folder: str, unlimited: bool) -> Subject:
    """posthog."""
    from posthog import Posthog

    client = Posthog("key", host=url, **({"max_queue_size": HUGE} if unlimited else {}))
    return Subject(
        lambda p: client.capture("OrderCompleted", distinct_id="user-1", properties=p),
        client.shutdown,
    )


def snowplow(url: str, folder: str, unlimited: bool) -> Subject:
    """snowplow-tracker with its AsyncEmitter."""
    from snowplow_tracker import AsyncEmitter, SelfDescribing, SelfDescribingJson, Tracker

    emitter = AsyncEmitter("127.0.0.1", port=int(url.rsplit(":", 1)[1]))
    tracker = Tracker("OrderCompleted", emitter)  # the name space is in every event

    def track(p: dict[str, Any]) -> None:
        tracker.track(SelfDescribing(SelfDescribingJson("iglu:a/b/jsonschema/1-0-0", p)))

    return Subject(track, lambda: tracker.flush(False))


def mixpanel(url: str, folder: str, unlimited: bool) -> Subject:
    """mixpanel with its BufferedConsumer."""
    from mixpanel import BufferedConsumer, Mixpanel

    consumer = BufferedConsumer(events_url=f"{url}/track")
    client = Mixpanel("token", consumer=consumer)
    return Subject(lambda p: client.track("user-1", "OrderCompleted", p), consumer.flush)


def amplitude(url: str, folder: str, unlimited: bool) -> Subject:
    """amplitude-analytics."""
    from amplitude import Amplitude, BaseEvent, Config

    client = Amplitude("key", Config(server_url=f"{url}/2/httpapi"))

    def track(p: dict[str, Any]) -> None:
        client.track(BaseEvent("OrderCompleted", user_id="user-1", event_properties=p))

    return Subject(track, client.shutdown)


def floor(url: str, folder: str, unlimited: bool) -> Subject:
    """The least that does it: a deque, a thread, `http.client`; no limits, retries or checks."""
    import atexit
    import http.client
    import threading
    import uuid
    import zlib
    from collections import deque

    waiting: deque[str] = deque()
    ending = threading.Event()
    host = url.split("//")[1]
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    def deliver() -> None:
        connection = http.client.HTTPConnection(host)
        while waiting or not ending.is_set():
            batch = [waiting.popleft() for _ in range(min(len(waiting), 100))]
            if not batch:
                ending.wait(0.01)
                continue
            packer = zlib.compressobj(1, wbits=31)
            body = packer.compress(f'{{"batch":[{",".join(batch)}]}}'.encode()) + packer.flush()
            connection.request("POST", "/v1/batch", body, headers)
            connection.getresponse().read()

    def track(p: dict[str, Any]) -> None:
        event = {"type": "track", "event": "OrderCompleted", "properties": p, "userId": "user-1"}
        waiting.append(json.dumps({**event, "messageId": str(uuid.uuid4()), "at": time.time()}))

    thread = threading.Thread(target=deliver, daemon=True)
    thread.start()

    def finish() -> None:
        ending.set()
        thread.join(2)

    atexit.register(finish)
    return Subject(track, finish)


SUBJECTS: dict[str, Callable[[str, str, bool], Subject]] = {
    "sojourn, desktop": sojourn_desktop,
    "sojourn, server": sojourn_server,
    "rudder-sdk-python": rudder,
    "segment": segment,
    "posthog": posthog,
    "snowplow": snowplow,
    "mixpanel": mixpanel,
    "amplitude": amplitude,
    "floor": floor,
}


def main() -> None:
    """Measure the SDK that the command line names."""
    name, mode, url, folder, count = *sys.argv[1:5], int(sys.argv[5])
    start = time.perf_counter()
    subject = SUBJECTS[name](url, folder, mode == "loop")
    told: dict[str, Any] = {"import_ms": (time.perf_counter() - start) * 1000}
    if mode in ("loop", "defaults"):
        told |= loop(subject, count)
    elif mode == "exit":
        for n in range(count):
            subject.track(properties(n))
        told["ended"] = time.time()
    print(json.dumps(told), flush=True)


def loop(subject: Subject, count: int) -> dict[str, Any]:
    """Calls one after another, then the end: times, CPU, memory."""
    import resource

    times = []
    clock = time.perf_counter
    cpu, start = time.process_time(), clock()
    for n in range(count):
        before = clock()
        subject.track(properties(n))
        times.append(clock() - before)
    subject.finish()
    seconds, cpu = clock() - start, time.process_time() - cpu
    times.sort()
    return {
        "median_us": times[count // 2] * 1e6,
        "p99_us": times[count * 99 // 100] * 1e6,
        "seconds": seconds,
        "cpu_us": cpu / count * 1e6,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
