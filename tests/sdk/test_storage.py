"""Stores: one atomic write per change, shared by processes, broken ones do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn import AppInfo, Client, Delivery, FileStore, MemoryStore, Sessions
from sojourn.sdk import folders

FAST = Delivery(interval=0.01, max_backoff=0.05)


def desktop(url: str, folder: Path, **more: Any) -> Client:
    return Client("key", url, profile="desktop", storage=folder, delivery=FAST, **more)


# Identity and session


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_store_keeps_json_values_and_forgets_none(kind: str, tmp_path: Path) -> None:
    store: Any = MemoryStore() if kind == "memory" else FileStore(tmp_path / "deep" / "a.db")
    assert store.load() == {}
    store.save({"a": {"b": [1, "ü", None]}, "c": True})
    store.save({"c": None, "d": 5})
    assert store.load() == {"a": {"b": [1, "ü", None]}, "d": 5}
    if kind == "file":
        store.close()
        assert FileStore(tmp_path / "deep" / "a.db").load() == store.load()
        store.close()


def test_a_block_that_fails_writes_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "a.db")
    store.save({"a": 1})
    with pytest.raises(RuntimeError), store.exclusive():  # noqa: PT012
        store.save({"a": 2})
        raise RuntimeError
    assert store.load() == {"a": 1}
    store.close()


def test_identity_and_session_survive_a_restart(stub: Any, tmp_path: Path) -> None:
    with desktop(stub.url, tmp_path) as c:
        c.identify("u", {"plan": "pro"})
        before = (c.anonymous_id, c.session_id)
    with desktop(stub.url, tmp_path) as c:
        assert (c.anonymous_id, c.session_id) == before
        assert (c.user_id, c.traits) == ("u", {"plan": "pro"})
        c.track("E")
    assert "sessionStart" not in stub.accepted[-1]["context"]


def test_two_clients_on_one_folder_follow_each_other(stub: Any, tmp_path: Path) -> None:
    a, b = desktop(stub.url, tmp_path), desktop(stub.url, tmp_path)
    assert a.session_id == b.session_id
    assert a.start_session(1234567890) == b.session_id
    a.end_session()
    assert b.session_id is None
    a.close()
    b.close()


def test_write_keys_do_not_share_identity(stub: Any, tmp_path: Path) -> None:
    one = desktop(stub.url, tmp_path)
    other = Client("another", stub.url, profile="desktop", storage=tmp_path)
    assert one.anonymous_id != other.anonymous_id
    one.close()
    other.close()


@pytest.mark.parametrize("damage", ["not a database", "folder"])
def test_a_broken_store_does_not_stop_the_program(stub: Any, tmp_path: Path, damage: str) -> None:
    with desktop(stub.url, tmp_path) as c:
        c.track("E")
    (file,) = tmp_path.glob("*.db")
    for path in tmp_path.glob("*.db*"):
        path.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"this is no database at all, but long enough to look" * 50)
    with desktop(stub.url, tmp_path, strict=True) as c:
        c.track("E")
        c.identify("u")
        assert c.session_id is not None
    assert len(stub.accepted) == 3


def test_a_folder_that_cannot_be_written_costs_the_disk_store_only(
    stub: Any, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with desktop(stub.url, blocked / "data", strict=True) as c:
        c.track("E")
        assert c.flush()
        assert "no disk store" in str(c.stats.last_error)
    assert stub.names == ["E"]


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(st.sampled_from(["rl_session", "rl_trait", "rl_anonymous_id"]), st.text()))
def test_odd_stored_values_do_no_harm(dead_url: str, values: dict[str, Any]) -> None:
    store = MemoryStore()
    store.save(values)
    c = Client("key", dead_url, profile="desktop", storage=store, before_send=lambda e: None)
    c.track("E")
    assert isinstance(c.session_id, int)


def test_sessions_take_seconds_and_timedeltas(stub: Any) -> None:
    from datetime import timedelta

    for timeout in (60, 60.0, timedelta(minutes=1)):
        c = Client("key", stub.url, profile="desktop", sessions=Sessions(timeout=timeout))
        assert c._identity.policy.timeout_ms == 60_000


# Folders


def test_the_data_folder_follows_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FLET_APP_STORAGE_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert folders.data_folder("My Shop/..") == tmp_path / "My_Shop_"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME")
    assert folders.data_folder("x") == tmp_path / "home" / ".local" / "share" / "x"
    monkeypatch.setattr("sys.platform", "darwin")
    assert folders.data_folder("x").parts[-3:] == ("Library", "Application Support", "x")
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert folders.data_folder("..") == tmp_path / "local" / "sojourn"


def test_applications_store_in_their_data_folder(
    stub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Client("key", stub.url, profile="cli", app=AppInfo("tool")) as c:
        c.track("E")
    assert len(list((tmp_path / "tool").glob("*.db"))) == 1
