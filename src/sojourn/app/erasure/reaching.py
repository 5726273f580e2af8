"""How the command line reaches the erasures of a data folder, whoever has it open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

import msgspec

from sojourn.app.access import ask_server, opened_platform, progress_of
from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.app.erasure.erasures import Erasures, Progress
from sojourn.app.erasure.jobs import Order, Receipt
from sojourn.settings import Configuration

_WAREHOUSE_ATTEMPTS = 3
"""Without a server somebody waits at a terminal: a warehouse that is away is left for later."""


class Forgetting(Protocol):
    """Erasures, done here or by the server."""

    def preview(self, order: Order) -> dict[str, Any]:
        """What would be deleted."""
        ...

    def forget(self, order: Order) -> Iterator[Progress]:
        """Delete, and tell how far it is; see `Erasures.watch`."""
        ...

    def receipts(self) -> list[Receipt]:
        """The receipts of all erasures."""
        ...


@contextmanager
def open_forgetting(configuration: Configuration) -> Iterator[Forgetting]:
    """Reach the erasures of the configured data folder. Unfinished ones go on."""
    directory = DataDirectory(configuration.data_dir)
    server = directory.running_server()
    if server is not None:
        yield _Remote(server)
        return
    with opened_platform(configuration, directory) as (platform, runner):
        try:
            yield _Direct(platform.erasures, runner)
        finally:
            platform.warehouses.close()


class _Direct:
    def __init__(self, erasures: Erasures, runner: asyncio.Runner) -> None:
        self._erasures = erasures
        self._runner = runner
        self.receipts = erasures.receipts

    def preview(self, order: Order) -> dict[str, Any]:
        return self._runner.run(self._erasures.preview(order))

    def forget(self, order: Order) -> Iterator[Progress]:
        job = self._erasures.order(order)
        loop = self._runner.get_loop()
        work = loop.create_task(self._work())
        watching = self._erasures.watch(job.id)
        while (progress := self._runner.run(_next(watching, work))) is not None:
            yield progress
        self._runner.run(_joined(work))

    async def _work(self) -> None:
        never = asyncio.Event()
        await self._erasures.prepare(never)
        await self._erasures.finish(never, _WAREHOUSE_ATTEMPTS)


class _Remote:
    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def preview(self, order: Order) -> dict[str, Any]:
        with ask_server(self._server, "erasures/preview", msgspec.json.encode(order)) as answer:
            return cast("dict[str, Any]", msgspec.json.decode(answer.read()))

    def forget(self, order: Order) -> Iterator[Progress]:
        return progress_of(self._server, "erasures", order)

    def receipts(self) -> list[Receipt]:
        with ask_server(self._server, "erasures") as answer:
            return msgspec.json.decode(answer.read(), type=list[Receipt])


async def _next(watching: AsyncIterator[Progress], work: asyncio.Task[None]) -> Progress | None:
    """The next progress, None after the last; or what `work` failed with."""
    step = asyncio.ensure_future(_one(watching))
    await asyncio.wait({step, work}, return_when=asyncio.FIRST_COMPLETED)
    if not step.done() and work.exception() is not None:
        step.cancel()
        await work
    return await step


async def _one(watching: AsyncIterator[Progress]) -> Progress | None:
    return await anext(watching, None)


async def _joined(work: asyncio.Task[None]) -> None:
    await work
