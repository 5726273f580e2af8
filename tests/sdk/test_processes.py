"""Forks and ends of processes: what is promised arrives, once, and nothing hangs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Program = Callable[..., "subprocess.CompletedProcess[str]"]

BEGIN = """
import os, signal, sys, threading, time
from sojourn import AppInfo, Client, Delivery
url, folder = sys.argv[1], sys.argv[2]
def client(**more):
    if folder:
        more = {"profile": "desktop", "storage": folder, **more}
    return Client("key", url, strict=True, **more)
def send(c, count, name="E"):
    for n in range(count):
        assert c.track(name, {"n": n}, user_id="u")
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise RuntimeError('the program is broken')", 1),
        ("signal.raise_signal(signal.SIGINT)", 1),
        ("import atexit; atexit.register(lambda: None)", 0),
    ],
    ids=["normal", "exit", "exception", "interrupt", "hooks"],
)
def test_an_ordinary_end_without_flush_loses_none_of_1999(
    stub: Any, program: Program, end: str, code: int
) -> None:
    done = program(BEGIN + "c = client()\nsend(c, 1999)\n" + end, stub.url, "", check=None)
    assert done.returncode == code or "KeyboardInterrupt" in done.stderr
    assert len(stub.accepted) == 1999
    assert stub.doubled == 0


def test_an_event_from_an_exit_hook_is_delivered(stub: Any, program: Program) -> None:
    hook = "import atexit\nc = client()\natexit.register(send, c, 1, 'late')\n"
    program(BEGIN + hook, stub.url, "")
    assert stub.names == ["late"]
    program(BEGIN + hook + "send(c, 1, 'early')", stub.url, "")
    assert stub.names == ["late", "early", "late"]


ENDS = ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 15)"]


@pytest.mark.parametrize("end", ENDS)
def test_with_a_disk_store_no_end_of_the_process_loses_an_event(
    stub: Any, program: Program, tmp_path: Path, end: str
) -> None:
    folder = tmp_path / "data"
    stub.default = "hang"
    program(BEGIN + "c = client()\nsend(c, 1999)\n" + end, stub.url, folder, check=None)
    assert len(list(folder.glob("*.queue"))) == 1
    assert stub.accepted == []
    stub.default = 200
    program(BEGIN + "c = client()\nsend(c, 1, 'next')\nassert c.flush(20)", stub.url, folder)
    assert len(stub.accepted) == 2000
    assert stub.names[-1] == "next"
    assert stub.doubled == 0
    assert list(folder.glob("*.queue")) == []


@pytest.mark.parametrize("answer", ["hang", "reset", 503])
def test_the_end_is_never_held_up_beyond_its_budget_and_the_disk_keeps_all(
    stub: Any, program: Program, tmp_path: Path, answer: Any
) -> None:
    folder = tmp_path / "data"
    stub.default = answer
    code = BEGIN + "c = client(); d = client(storage=folder + '2')\nsend(c, 50); send(d, 50)\n"
    code += "import atexit; print(time.time(), flush=True)"
    start_of_end = float(program(code, stub.url, folder).stdout)
    assert time.time() - start_of_end < 2.0 + 0.6
    stub.default = 200
    again = BEGIN + "assert client().flush(20) and client(storage=folder + '2').flush(20)"
    program(again, stub.url, folder)
    assert len(stub.accepted) == 100
    assert stub.doubled == 0


def test_a_forked_child_sends_its_own_events_and_only_those(stub: Any, program: Program) -> None:
    program(
        BEGIN
        + """
c = client(delivery=Delivery(interval=5))
send(c, 20, "parent")
if os.fork() == 0:
    send(c, 20, "child")
    assert c.flush(5)
    sys.exit()
os.wait()
send(c, 20, "parent")
""",
        stub.url,
        "",
    )
    assert sorted(stub.names) == ["child"] * 20 + ["parent"] * 40
    assert stub.doubled == 0


def test_a_fork_that_calls_no_hooks_is_noticed_by_the_pid(stub: Any, program: Program) -> None:
    program(
        BEGIN
        + """
from sojourn.sdk import exits
c = client()
send(c, 20, "parent")
c.flush()
exits._watched.clear()  # as under uWSGI, which forks without Python's knowledge
if os.fork() == 0:
    send(c, 20, "child")
    assert c.flush(5)
    os._exit(0)
os.wait()
""",
        stub.url,
        "",
    )
    assert sorted(stub.names) == ["child"] * 20 + ["parent"] * 20


def test_a_fork_in_the_middle_of_calls_from_other_threads_never_hangs(
    stub: Any, program: Program
) -> None:
    program(
        BEGIN
        + """
c = client()
busy = True
def work():
    while busy:
        c.track("thread", user_id="u")
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
for _ in range(20):
    if os.fork() == 0:
        signal.alarm(20)
        send(c, 5, "child")
        ok = c.flush(10)
        os._exit(0 if ok else 1)
    assert os.wait()[1] == 0
busy = False
for t in threads: t.join()
assert c.flush(20)
""",
        stub.url,
        "",
    )
    assert stub.names.count("child") == 100
    assert stub.doubled == 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_lose_nothing_at_their_end(
    stub: Any, program: Program, method: str
) -> None:
    program(
        BEGIN
        + f"""
import multiprocessing
c = client()
def work(n):
    send(c, 50, "child")
if __name__ == "__main__":
    send(c, 10, "parent")
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=work, args=(n,)) for n in range(3)]
    for child in children: child.start()
    for child in children: child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
""",
        stub.url,
        "",
    )
    assert stub.names.count("child") == 150
    assert stub.names.count("parent") == 10


def test_processes_share_a_folder_without_taking_each_others_events(
    stub: Any, tmp_path: Path
) -> None:
    code = BEGIN + "c = client()\nfor n in range(5): send(c, 40); c.flush()\n"
    file = tmp_path / "program.py"
    file.write_text(code)
    command = [sys.executable, str(file), stub.url, str(tmp_path / "data")]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    children = [subprocess.Popen(command, env=environment) for _ in range(4)]
    assert [child.wait(30) for child in children] == [0] * 4
    assert len(stub.accepted) == 800
    assert stub.doubled == 0
    sessions = {event["context"]["sessionId"] for event in stub.accepted}
    starts = [e for e in stub.accepted if e["context"].get("sessionStart")]
    assert len(sessions) == 1
    assert len(starts) == 1
    assert len({event["anonymousId"] for event in stub.accepted}) == 1


def test_a_forgotten_client_still_delivers(stub: Any, program: Program) -> None:
    program(BEGIN + "def f():\n    send(client(), 10)\nf()\nimport gc; gc.collect()", stub.url, "")
    assert len(stub.accepted) == 10


def test_the_sdk_says_nothing_of_its_own_accord(program: Program, dead_url: str) -> None:
    code = BEGIN + "c = Client('key', url)\nc.track('E')\nc.track(5, user_id='u')\nsend(c, 5)"
    done = program(code, dead_url, "")
    assert done.stdout == done.stderr == ""


def test_importing_starts_reads_and_configures_nothing(program: Program, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SOJOURN_WRITE_KEY=no\n")
    program(
        """
import sys
before = set(sys.modules)
import sojourn
assert not {"json", "threading", "logging", "sqlite3"} & (set(sys.modules) - before)
from sojourn import Client
heavy = {"asyncio", "dotenv", "email", "http.client", "logging", "requests", "socket", "sqlite3",
         "ssl", "urllib.request"}
assert not heavy & (set(sys.modules) - before), heavy & set(sys.modules)
import threading
client = Client("key", "http://localhost:1", profile="desktop", storage=sys.argv[1])
assert threading.active_count() == 1
import os
assert not os.path.exists(sys.argv[1])
import logging
assert not logging.getLogger().handlers and not logging.getLogger("sojourn").handlers
""",
        tmp_path / "never",
    )


def test_with_a_disk_store_the_end_waits_for_no_server_that_is_gone(
    stub: Any, program: Program, dead_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    program(BEGIN + "c = client()\nsend(c, 50)", dead_url, folder)
    program(
        BEGIN
        + """
c = client()
send(c, 50)
began = time.monotonic()
assert not c.close()
assert time.monotonic() - began < 1.5
assert c.stats.dropped == 0
""",
        dead_url,
        folder,
    )
    program(BEGIN + "assert client().flush(20)", stub.url, folder)
    assert len(stub.accepted) == 100
    assert stub.doubled == 0


def test_greenlets_share_a_client_and_lose_nothing(stub: Any, program: Program) -> None:
    pytest.importorskip("gevent")
    code = """
from gevent import monkey
monkey.patch_all()
import gevent
"""
    code += BEGIN
    code += """
c = client()
def work(n):
    with c.scope(user_id=f"u{n}"):
        gevent.sleep(0)
        for _ in range(20):
            assert c.track(f"u{n}")
gevent.joinall([gevent.spawn(work, n) for n in range(50)], raise_error=True)
assert c.flush(10)
gevent.joinall([gevent.spawn(work, n) for n in range(50)], raise_error=True)
"""
    program(code.replace("import os, signal", "import os, signal, warnings"), stub.url, "")
    assert len(stub.accepted) == 2000
    assert stub.doubled == 0
    assert all(event["userId"] == event["event"] for event in stub.accepted)
