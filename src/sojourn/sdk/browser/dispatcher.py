"""Delivery on a page: tasks of the event loop, `fetch`, and beacons when the page goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import quote

import js
from pyodide.ffi import create_proxy, to_js

from sojourn.sdk.courier import Courier, DeliveryError, Shipment, read_answer
from sojourn.sdk.ids import new_id
from sojourn.sdk.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sojourn.sdk.browser.outbox import PageOutbox
    from sojourn.sdk.options import Delivery, Stats

_MAX_BYTES = 55_000
"""Of events in a request: browsers keep 64 KiB alive for a page that has gone, all in all."""


class PageDispatcher:
    """Queues events and delivers them without threads. What cannot be delivered while the page
    lives waits in local storage for the next page of the site."""

    def __init__(
        self,
        outbox: PageOutbox,
        delivery: Delivery,
        courier: Courier,
        url: str,
        write_key: str,
        on_error: Callable[[DeliveryError], Any],
    ) -> None:
        self._outbox = outbox
        self._delivery = delivery
        self._courier = courier
        self._url = url
        self._beacon_url = f"{url}/beacon/v1/batch?writeKey={quote(write_key, safe='')}"
        self._left_behind = f"sojourn_{write_key}."
        self._own_key = f"{self._left_behind}{new_id()}.queue"
        self._on_error = on_error
        self._task: Optional[asyncio.Task[None]] = None
        self._woken: Optional[asyncio.Future[None]] = None
        self._in_flight = False
        self._proxies: list[tuple[Any, str, Any]] = []
        outbox.wake = self._wake

    def begin(self) -> None:
        """Listen to the page's end, and take over what earlier pages left."""
        if hasattr(js, "document"):
            self._listen(js.window, "pagehide", lambda event: self._leave())
            self._listen(js.document, "visibilitychange", lambda event: self._seen())
        storage = _local_storage()
        if storage is not None:
            names = [str(storage.key(n)) for n in range(storage.length)]
            for name in names:
                if name.startswith(self._left_behind) and name.endswith(".queue"):
                    self._adopt(storage, name)

    def _listen(self, target: Any, name: str, handler: Callable[[Any], None]) -> None:
        proxy = create_proxy(handler)
        target.addEventListener(name, proxy)
        self._proxies.append((target, name, proxy))

    def _adopt(self, storage: Any, name: str) -> None:
        text = storage.getItem(name)
        storage.removeItem(name)
        try:
            events = json.loads(str(text)) if text else []
        except ValueError:
            return
        for event in events:
            if isinstance(event, str) and event.isascii():
                self.put(event.encode("ascii"))

    # Queue

    def put(self, event: bytes) -> bool:
        """Queue one event (JSON without its closing brace); False if it was dropped."""
        return self._outbox.put(event, _never)

    def drop(self, reason: str) -> None:
        """Count an event that is not queued at all."""
        self._outbox.drop(reason)

    def hurry(self) -> None:
        """Send what waits without delay, and do not wait for it."""
        self._outbox.watch(_nothing)

    def _wake(self) -> None:
        """Called with the outbox locked: look at it later, not now."""
        loop = asyncio.get_event_loop()
        if self._task is None:
            self._task = loop.create_task(self._run())
        elif self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not beyond the next call for haste."""
        self._woken = asyncio.get_event_loop().create_future()
        handle = asyncio.get_event_loop().call_later(seconds, _finish, self._woken)
        await self._woken
        handle.cancel()
        self._woken = None

    async def _run(self) -> None:
        try:
            while True:
                delay, batch = self._outbox.poll(_MAX_BYTES, self._delivery.interval)
                if delay is None:
                    return
                if batch:
                    await self._deliver(Shipment(batch, self._delivery))
                else:
                    await self._sleep(delay)
        finally:
            self._task = None

    async def _deliver(self, shipment: Shipment) -> None:
        while (part := shipment.next_part) is not None:
            self._in_flight = True
            verdict = await self._fetch(part)
            self._in_flight = False
            pause = shipment.take(verdict, self._on_error)
            if pause is not None:
                self._outbox.failed_attempt(verdict.why)
                await self._sleep(pause)
                if self._outbox.stopped:
                    return
        self._outbox.settle(shipment.sent, shipment.rejected, shipment.dropped)

    async def _fetch(self, events: Sequence[bytes]) -> Verdict:
        path, headers, body = self._courier.request(events)
        headers = {name: text for name, text in headers.items() if name != "User-Agent"}
        options = {
            "method": "POST",
            "headers": headers,
            "body": body.decode("ascii"),
            "keepalive": len(body) <= _MAX_BYTES + 5000,
            "credentials": "omit",
            "signal": js.AbortSignal.timeout(int(self._delivery.timeout * 1000)),
        }
        try:
            answer = await js.fetch(
                self._url + path, to_js(options, dict_converter=js.Object.fromEntries)
            )
            text = "" if answer.ok else str(await answer.text())
        except Exception as error:  # the browser does not say why
            return Verdict("retry", f"{type(error).__name__}: {error}")
        wait = answer.headers.get("Retry-After")
        named = {"retry-after": str(wait)} if wait else {}
        return read_answer(answer.status, named, text.encode("utf-8", "replace"), len(events))

    # The page's end

    def _seen(self) -> None:
        if str(js.document.visibilityState) == "hidden":
            self._leave()
            return
        storage = _local_storage()
        if storage is not None:  # the page lives on, and still has them
            storage.removeItem(self._own_key)
        self.hurry()

    def _leave(self) -> None:
        """The page may be gone after this: hand what waits to the browser, keep the rest."""
        while batch := self._outbox.take_waiting(_MAX_BYTES):
            if not js.navigator.sendBeacon(self._beacon_url, self._courier.body(batch).decode()):
                self._outbox.give_back(batch)
                break
            self._outbox.sent(batch)
        rest = self._outbox.unsent(under_way=not self._in_flight)
        storage = _local_storage()
        if storage is not None and rest:
            try:
                storage.setItem(self._own_key, json.dumps([event.decode() for event in rest]))
            except Exception as error:  # the quota, above all
                self._outbox.note(str(error))

    # Waiting

    def flush(self, timeout: Optional[float]) -> bool:
        """Send what waits. A page cannot be held up: true only if nothing waits."""
        self.hurry()
        return self._outbox.stats().queued == 0

    async def aflush(self, timeout: Optional[float]) -> bool:  # noqa: ASYNC109 (a deadline)
        """Send what waits, and wait for it. True if all of it was accepted."""
        done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        failed = self._outbox.watch(lambda: _finish(done))
        if failed is None:
            return True
        if timeout is not None:
            asyncio.get_event_loop().call_later(timeout, _finish, done)
        await done
        return self._outbox.failed == failed and self._outbox.stats().queued == 0

    def begin_close(self) -> None:
        """Take in nothing more, and send what waits without delay."""
        self._outbox.close()

    def close(self, timeout: Optional[float]) -> bool:
        """Hand what waits to the browser as when the page goes, and end."""
        self.begin_close()
        self._leave()
        return self._end()

    async def aclose(self, timeout: Optional[float]) -> bool:  # noqa: ASYNC109 (a deadline)
        """Deliver what waits, and end. True if all was accepted."""
        self.begin_close()
        delivered = await self.aflush(timeout)
        if not delivered:
            self._leave()
        return self._end() and delivered

    def _end(self) -> bool:
        for target, name, proxy in self._proxies:
            target.removeEventListener(name, proxy)
            proxy.destroy()
        self._proxies.clear()
        return self._outbox.stats().queued == 0

    def after_fork(self) -> None:
        """There are no forks here."""

    def stats(self) -> Stats:
        """The counts at this moment."""
        return self._outbox.stats()


def _local_storage() -> Any:
    """The page's local storage, or `None`: in workers, and where the visitor forbids it."""
    try:
        storage = js.localStorage
        return storage if storage and storage.length >= 0 else None
    except Exception:
        return None


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _never() -> bool:
    """A page is never held up."""
    return False


def _nothing() -> None:
    """Nobody waits."""
