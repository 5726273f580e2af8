"""The connection to a NATS server: a thread with an event loop of its own.

So a log can be opened outside of any event loop, as the one in a file can, and can be used from
several.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakSet

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors

from sojourn.core.errors import InvalidSettings, LogUnavailable
from sojourn.log.jetstream.server import NatsServer

T = TypeVar("T")

_ATTEMPT_S = 2.0
_PAUSE_S = 0.05
logger = logging.getLogger("sojourn.log")


class Interrupted(Exception):
    """The connection broke, or what was asked for did not come: ask again."""


_SILENT = (nats.errors.NoRespondersError, js_errors.NoStreamResponseError)
_NO_JETSTREAM = "JetStream is off, or the stream is gone"
_FORMING = (10005, 10009)
"""What servers of a cluster say that have not found each other yet, or have no leader."""
_PASSING = (
    Interrupted,
    OSError,
    asyncio.TimeoutError,
    *_SILENT,
    nats.errors.OutboundBufferLimitError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.StaleConnectionError,
    js_errors.ServiceUnavailableError,
)


class Connection:
    """`run` carries calls over to the connection's thread; everything else belongs in there."""

    client: Client
    jetstream: JetStreamContext

    def __init__(self, server: NatsServer, deadline_s: float) -> None:
        """Connect. Raises `LogUnavailable` if that takes longer than `deadline_s` seconds,
        `InvalidSettings` if the server refuses the user.
        """
        self.server = server
        self.deadline_s = deadline_s
        self.loop = asyncio.new_event_loop()
        self.losses = 0
        """How often the connection broke."""
        self._closed = False
        self._trouble = ""
        self._refused = asyncio.Event()
        self._waiting: WeakSet[asyncio.Queue[Any]] = WeakSet()
        self._thread = threading.Thread(target=self._run, name="sojourn-nats", daemon=True)
        self._thread.start()
        try:
            self.run_blocking(self._connect())
        except BaseException:
            self.run_blocking(_cancel_others())
            self._stop()
            raise

    def run_blocking(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the connection's thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the connection's thread. Raises `LogUnavailable` once closed."""
        if self._closed:
            work.close()
            raise LogUnavailable("the log is closed")
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # it was cancelled there: by `close`
                raise LogUnavailable("the log is closed") from None
            raise

    async def persist(self, call: Callable[[], Awaitable[T]], deadline: float | None = None) -> T:
        """The result of `call`, tried again until `deadline` (of the loop's clock) passes.

        `call` must do no harm when it is repeated. Raises `LogUnavailable`.
        """
        if deadline is None:
            deadline = self.loop.time() + self.deadline_s
        why = "the connection is lost"
        patience = _ATTEMPT_S
        while (left := deadline - self.loop.time()) > 0:
            if not self.client.is_connected:
                await asyncio.sleep(_PAUSE_S)
                continue
            try:
                return await asyncio.wait_for(call(), min(left, patience))
            except _PASSING as error:
                why = _NO_JETSTREAM if isinstance(error, _SILENT) else str(error)
                why = why or type(error).__name__
                patience *= 2
                await asyncio.sleep(_PAUSE_S)
            except nats.errors.Error as error:
                if not isinstance(error, js_errors.APIError) or error.err_code not in _FORMING:
                    raise LogUnavailable(f"{self.server.url}: {error}") from error
                why = str(error)
                await asyncio.sleep(_PAUSE_S)
        raise LogUnavailable(f"{self.server.url} does not answer: {self._trouble or why}")

    def queue(self) -> asyncio.Queue[Any]:
        """A queue that gets a None when the connection breaks."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._waiting.add(queue)
        return queue

    async def close(self) -> None:
        """Disconnect and end the thread. Safe to call twice; from any loop."""
        if self._closed:
            return
        self._closed = True
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._disconnect(), self.loop))
        await asyncio.get_running_loop().run_in_executor(None, self._stop)

    def close_blocking(self) -> None:
        """The same, for a caller that may wait."""
        self.run_blocking(self._disconnect())
        self._stop()

    async def _connect(self) -> None:
        options = self.server.connect_options()
        connecting = nats.connect(
            **options,
            name="sojourn",
            connect_timeout=2,
            reconnect_time_wait=0.2,
            max_reconnect_attempts=-1,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
        )
        attempt = asyncio.ensure_future(connecting)
        refused = asyncio.ensure_future(self._refused.wait())
        try:
            await asyncio.wait(
                (attempt, refused), timeout=self.deadline_s, return_when=asyncio.FIRST_COMPLETED
            )
            if self._refused.is_set():
                raise InvalidSettings(
                    f"{self.server.url} refuses the user; set nats_user and nats_password, or "
                    "nats_token"
                )
            if not attempt.done():
                raise LogUnavailable(f"{self.server.url} cannot be reached: {self._why()}")
            self.client = attempt.result()
        except (OSError, nats.errors.Error) as error:
            raise LogUnavailable(f"{self.server.url} cannot be reached: {error}") from None
        finally:
            refused.cancel()
            attempt.cancel()
        self.jetstream = self.client.jetstream(timeout=self.deadline_s)

    async def _disconnect(self) -> None:
        await self.client.close()
        await _cancel_others()

    async def _failed(self, error: Exception) -> None:
        said = str(error) or type(error).__name__
        if said != self._trouble:
            logger.info("NATS at %s: %s", self.server.url, said)
        self._trouble = said
        if "authorization" in said.lower():
            self._refused.set()

    def _why(self) -> str:
        return self._trouble or "it does not answer"

    async def _disconnected(self) -> None:
        self.losses += 1
        if not self._closed:
            logger.warning("the connection to NATS at %s is lost", self.server.url)
        for queue in list(self._waiting):
            queue.put_nowait(None)

    async def _reconnected(self) -> None:
        self._trouble = ""
        logger.warning("the connection to NATS at %s is there again", self.server.url)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def _stop(self) -> None:
        self._closed = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _cancel_others() -> None:
    """End all other tasks of this loop."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
