"""The program `sojourn`, run hundreds of times.

Most of the time of a command goes into loading modules. So one process loads them and forks for
each command: the same code, in a process of its own with its own arguments, folder, environment and
files, that can be killed as any other. What a fork cannot show, that the installed program starts,
is shown with `SOJOURN` itself.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

SOJOURN = Path(sys.executable).with_name("sojourn")
Done = subprocess.CompletedProcess[str]
_LOADED = (
    "sojourn.cli.commands", "sojourn.app.server", "sojourn.app.demo",
    "aiohttp", "rich.markdown", "rich.padding", "typer._adapters", "typer.rich_utils",
    "uvicorn.lifespan.on", "uvicorn.loops.uvloop", "uvicorn.protocols.http.httptools_impl",
)  # fmt: skip
"""What commands load, and load as they run."""
_PATIENCE_S = 100


class Running:
    """A started program, to be used as a `subprocess.Popen` is."""

    def __init__(
        self,
        *arguments: str | Path,
        script: Path | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
        stderr: IO[bytes] | None = None,
    ) -> None:
        """`script`: another program than `sojourn`; files that are not given lead nowhere."""
        self.args = [str(script or SOJOURN), *map(str, arguments)]
        self.returncode: int | None = None
        asked = {"words": self.args, "is_script": script is not None, "cwd": str(cwd or Path.cwd())}
        asked["environment"] = dict(os.environ if env is None else env)
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(_forker())
        with open(os.devnull, "r+b") as nowhere:
            files = [(one or nowhere).fileno() for one in (stdin, stdout, stderr)]
            socket.send_fds(self._connection, [json.dumps(asked).encode()], files)
            self.pid = int(self._connection.recv(100))

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; negative for the signal that ended it."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                said = self._connection.recv(100)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self.returncode = os.waitstatus_to_exitcode(int(said))
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@contextlib.contextmanager
def piped(*arguments: str | Path, script: Path | None = None) -> Iterator[tuple[Running, IO[str]]]:
    """It, and what it prints, errors too, while it runs; killed at the end of the block."""
    reading, writing = os.pipe()
    with open(reading) as lines:
        with open(writing, "wb") as output:
            running = Running(*arguments, script=script, stdout=output, stderr=output)
        try:
            yield running, lines
        finally:
            running.kill()
            running.wait(_PATIENCE_S)


def printed_before_kill(script: Path, *arguments: str | Path, seconds: float) -> list[str]:
    """The whole lines that a script printed until it was killed, so long after its first."""
    with piped(*arguments, script=script) as (running, printed):
        first = printed.readline()
        time.sleep(seconds)
        running.kill()
        text = first + printed.read()
    assert first, "it ended before its first line"
    assert "Traceback" not in text, text
    return text.split("\n")[:-1]


def run(
    *arguments: str | Path,
    script: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    said: str = "",
) -> Done:
    """Run it to its end; `said` is what is typed."""
    with (
        tempfile.TemporaryFile() as typed,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        typed.write(said.encode())
        typed.seek(0)
        running = Running(
            *arguments, script=script, cwd=cwd, env=env, stdin=typed, stdout=output, stderr=errors
        )
        try:
            status = running.wait(_PATIENCE_S)
        finally:
            running.kill()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode())
        return subprocess.CompletedProcess(running.args, status, *texts)


@functools.cache
def _forker() -> str:
    """The address of this process's forker."""
    folder = tempfile.TemporaryDirectory(prefix="sojourn-program-")
    address = str(Path(folder.name) / "forker")
    forker = subprocess.Popen(
        [sys.executable, "-P", __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert forker.stdin is not None
    assert forker.stdout is not None
    assert forker.stdout.readline() == b"ready\n"

    def end() -> None:
        forker.communicate()  # the end of its input is the end of it
        folder.cleanup()

    atexit.register(end)
    return address


def _fork_on_request(address: str) -> None:
    """Fork for each connection to `address`, until standard input ends."""
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(address)
    listener.listen(100)
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if listener not in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _attend(connection)
        connection.close()


def _attend(connection: socket.socket) -> None:
    """Take a request, fork once more to become what it asks for, and tell how that ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    pid = os.fork()
    if pid == 0:
        connection.close()
        return _become(json.loads(message), files)
    for file in (*files, 0, 1, 2):
        os.close(file)
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        connection.send(str(pid).encode())
        connection.send(str(os.waitpid(pid, 0)[1]).encode())
    os._exit(0)


def _become(asked: dict[str, object], files: list[int]) -> None:
    """What was asked for; returns or raises at its end, as a program of its own would."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(str(asked["cwd"]))
    os.environ.clear()
    os.environ.update(asked["environment"])  # type: ignore[call-overload]
    sys.argv = list(asked["words"])  # type: ignore[call-overload]
    if asked["is_script"]:
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        from sojourn.cli import main

        main()


if __name__ == "__main__":
    _fork_on_request(sys.argv[1])
