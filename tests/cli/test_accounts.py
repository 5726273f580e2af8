"""Accounts from the command line: beside a running server, and without one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

Sojourn = Callable[..., Any]


def names(sojourn: Sojourn) -> dict[str, str]:
    shown = sojourn("accounts", "list", "--json").stdout.splitlines()
    return {one["name"]: one["role"] for one in map(json.loads, shown)}


def log_in(client: httpx.Client, name: str, password: str) -> int:
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/login").text)
    assert token
    fields = {"name": name, "password": password, "csrf": token[1]}
    return client.post("/login", data=fields).status_code


def made_up(text: str) -> str:
    found = re.search(r"Password, shown only now: (\S+)", text)
    assert found, text
    return found[1]


def test_a_lost_password_is_replaced_without_a_server(
    sojourn: Sojourn, serving: Any, tmp_path: Path
) -> None:
    with serving():
        pass
    asked = sojourn("accounts", "password", "admin", said="correct horse\ncorrect horse\n")
    assert "correct horse" not in asked.stdout + asked.stderr
    with serving() as server, httpx.Client(base_url=server["url"], timeout=60) as client:
        assert log_in(client, "admin", "wrong") == 401
        assert log_in(client, "admin", "correct horse") == 303


def test_accounts_of_a_running_server_are_managed_and_their_logins_end(
    sojourn: Sojourn, serving: Any
) -> None:
    with serving() as server, httpx.Client(base_url=server["url"], timeout=60) as ann:
        assert names(sojourn) == {"admin": "admin"}
        first = made_up(sojourn("accounts", "add", "ann", "--generate").stdout)
        assert names(sojourn) == {"admin": "admin", "ann": "viewer"}
        assert log_in(ann, "ann", first) == 303
        assert ann.get("/api/status").status_code == 200

        second = made_up(sojourn("accounts", "password", "ann", "--generate").stdout)
        assert second != first
        assert ann.get("/api/status").status_code == 401
        assert log_in(ann, "ann", first) == 401
        assert log_in(ann, "ann", second) == 303

        sojourn("accounts", "role", "ann", "admin")
        assert names(sojourn)["ann"] == "admin"
        assert "added account (viewer) ann" in ann.get("/settings").text
        assert "command line" in ann.get("/settings").text
        sojourn("accounts", "remove", "ann")
        assert ann.get("/api/status").status_code == 401
        assert names(sojourn) == {"admin": "admin"}


def test_what_cannot_be_done_is_refused_in_words(sojourn: Sojourn, serving: Any) -> None:
    assert "there is no data folder" in sojourn("accounts", "list", fails=True).stderr
    with serving():
        for arguments, said, words in (
            (("remove", "admin"), "", "last admin"),
            (("role", "admin", "viewer"), "", "last admin"),
            (("role", "admin", "owner"), "", "one of viewer, admin"),
            (("password", "bob", "--generate"), "", "there is no account bob"),
            (("add", "admin", "--generate"), "", "there is an account admin already"),
            (("password", "admin"), "short\nshort\n", "at least 10 characters"),
        ):
            refused = sojourn("accounts", *arguments, said=said, fails=True)
            assert words in refused.stderr
