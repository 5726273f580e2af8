"""How the CLI reaches a data directory: through its running server, or by opening it.

DuckDB lets one process in at a time, so while a server runs it answers for the folder.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar, cast

import msgspec

from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.core.errors import Terminal, Transient
from sojourn.core.ports import Report, ReportSpec
from sojourn.settings import Configuration

if TYPE_CHECKING:
    from sojourn.app.definition import Definition
    from sojourn.app.importing.order import ImportOrder, Progress
    from sojourn.app.platform import Platform
    from sojourn.app.questions import Questions


T = TypeVar("T")


class ServerGone(Transient):
    """The server of this data folder does not answer."""


class Access(Protocol):
    """The questions that the CLI may ask, answered here or by the server."""

    def reports(self) -> list[ReportSpec]:
        """What reports there are."""
        ...

    def report(self, name: str, parameters: Mapping[str, str]) -> Report:
        """Run one report."""
        ...

    def export(self, kind: str) -> Iterator[bytes]:
        """What is stored: `events` or `sessions`, JSON objects."""
        ...

    def sql(self, statement: str) -> dict[str, Any]:
        """The answer to one SELECT: `{"columns", "rows"}`."""
        ...

    def status(self) -> dict[str, Any]:
        """How each part is doing."""
        ...

    def dead_letters(self, stage: str = "", name: str = "") -> list[dict[str, Any]]:
        """Dead letters: all, of one stage, or the one of this id with its event."""
        ...

    def redefine(self, definition: Definition, apply: bool) -> Report:
        """What other rules would change in the sessions; with `apply`, they hold from now on."""
        ...

    def replay(self, stage: str, name: str = "") -> int:
        """Send dead letters again; how many that were."""
        ...

    def import_history(self, order: ImportOrder) -> Iterator[Progress]:
        """Import tables of RudderStack, and tell how far it is."""
        ...


@contextmanager
def open_access(configuration: Configuration) -> Iterator[Access]:
    """Reach the configured data directory, whoever has it open."""
    directory = DataDirectory(configuration.data_dir)
    server = directory.running_server()
    if server is not None:
        yield _Remote(server)
        return
    with opened_platform(configuration, directory) as (platform, runner):
        from sojourn.app.questions import Questions

        yield _Direct(Questions(platform), runner)


@contextmanager
def opened_platform(
    configuration: Configuration, directory: DataDirectory
) -> Iterator[tuple[Platform, asyncio.Runner]]:
    """The platform of a folder that no server has open, caught up, and what runs its coroutines."""
    directory.require_folder()
    # Only now: a command that a server answers need not load the warehouse.
    from sojourn.app.platform import Platform

    directory.lock()
    try:
        with asyncio.Runner() as runner:
            platform = Platform(configuration, directory)
            try:
                runner.run(platform.catch_up())
                yield platform, runner
            finally:
                runner.run(platform.close())
    finally:
        directory.release()


class _Direct:
    def __init__(self, questions: Questions, runner: asyncio.Runner) -> None:
        self._questions = questions
        self._runner = runner
        self.reports = questions.reports
        self.report = questions.report
        self.sql = questions.sql
        self.redefine = questions.redefine

    def export(self, kind: str) -> Iterator[bytes]:
        return self._each(self._questions.export(kind))

    def import_history(self, order: ImportOrder) -> Iterator[Progress]:
        return self._each(self._questions.import_history(order))

    def _each(self, values: AsyncIterator[T]) -> Iterator[T]:
        while True:
            try:
                yield self._runner.run(cast("Any", anext(values)))
            except StopAsyncIteration:
                return

    def status(self) -> dict[str, Any]:
        return self._runner.run(self._questions.status())

    def dead_letters(self, stage: str = "", name: str = "") -> list[dict[str, Any]]:
        return self._runner.run(self._questions.dead_letters(stage, name))

    def replay(self, stage: str, name: str = "") -> int:
        return self._runner.run(self._questions.replay(stage, name))


class _Remote:
    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def reports(self) -> list[ReportSpec]:
        return msgspec.json.decode(self._read("reports"), type=list[ReportSpec])

    def report(self, name: str, parameters: Mapping[str, str]) -> Report:
        query = urllib.parse.urlencode(parameters)
        path = f"reports/{urllib.parse.quote(name, safe='')}?{query}"
        return msgspec.json.decode(self._read(path), type=Report)

    def export(self, kind: str) -> Iterator[bytes]:
        with self._open(f"export/{urllib.parse.quote(kind, safe='')}") as answer:
            for line in answer:
                yield line.rstrip(b"\n")

    def sql(self, statement: str) -> dict[str, Any]:
        return cast("dict[str, Any]", msgspec.json.decode(self._read("sql", statement.encode())))

    def status(self) -> dict[str, Any]:
        return cast("dict[str, Any]", msgspec.json.decode(self._read("status")))

    def dead_letters(self, stage: str = "", name: str = "") -> list[dict[str, Any]]:
        path = "dead-letters?" + urllib.parse.urlencode({"stage": stage, "id": name})
        return cast("list[dict[str, Any]]", msgspec.json.decode(self._read(path)))

    def redefine(self, definition: Definition, apply: bool) -> Report:
        asked = asdict(definition) | ({"apply": "yes"} if apply else {})
        path = "redefine?" + urllib.parse.urlencode(asked)
        return msgspec.json.decode(self._read(path, b""), type=Report)

    def replay(self, stage: str, name: str = "") -> int:
        path = "dead-letters/replay?" + urllib.parse.urlencode({"stage": stage, "id": name})
        return msgspec.json.decode(self._read(path, b""), type=int)

    def import_history(self, order: ImportOrder) -> Iterator[Progress]:
        return progress_of(self._server, "import", order)

    def _read(self, path: str, body: bytes | None = None) -> bytes:
        with self._open(path, body) as answer:
            return answer.read()

    def _open(self, path: str, body: bytes | None = None) -> IO[bytes]:
        return ask_server(self._server, path, body)


def ask_server(server: RunningServer, path: str, body: bytes | None = None) -> IO[bytes]:
    """The answer of a running server to a control call; with a body, a POST.

    Raises `Refused` with the server's words, `ServerGone` where none can be had.
    """
    request = urllib.request.Request(
        f"{server.url}/control/{path}",
        data=body,
        headers={"Authorization": f"Bearer {server.token}"},
    )
    try:
        return cast("IO[bytes]", urllib.request.urlopen(request, timeout=600))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode("utf-8", "replace")
        if error.code == 400:
            # The server wrote the whole message already.
            raise Refused(said) from None
        raise ServerGone(f"{server.url} answered {error.code}: {said[:200]}") from None
    except OSError as error:
        raise ServerGone(f"{server.url} ({error}); is it stopping?") from None


def progress_of(server: RunningServer, path: str, order: Any) -> Iterator[Any]:
    """What a running server tells while it carries out an order, a JSON value a line.

    Raises `Refused` for an error on the way, and as `ask_server`.
    """
    with ask_server(server, path, msgspec.json.encode(order)) as answer:
        for line in answer:
            progress = msgspec.json.decode(line)
            if "error" in progress:
                raise Refused(progress["error"])
            yield progress


class Refused(Terminal):
    """The server refused."""

    def __init__(self, said: str) -> None:
        Exception.__init__(self, said)
        self.detail = said
