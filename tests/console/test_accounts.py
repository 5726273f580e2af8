from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.console.accounts import Accounts
from sojourn.console.audit import AuditLog
from sojourn.console.documents import Documents
from sojourn.console.saved import Note, Saved
from sojourn.core.errors import InvalidSettings
from sojourn.log import SqliteStateStore


class Clock:
    ms = 1_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStateStore]:
    store = SqliteStateStore(tmp_path / "state.db", Clock())
    yield store
    store.close()


@pytest.fixture
def accounts(store: SqliteStateStore) -> Accounts:
    return Accounts(store, Clock())


def test_the_first_start_makes_one_admin_and_the_next_none(accounts: Accounts) -> None:
    made = accounts.first_start()
    assert made is not None
    name, password = made
    account = accounts.verify(name, password)
    assert account is not None
    assert account.role == "admin"
    assert accounts.first_start() is None


def test_passwords_are_kept_hashed_only(accounts: Accounts, store: SqliteStateStore) -> None:
    password = accounts.add("ann", "viewer")
    kept = store.get("console", ["accounts"])["accounts"]
    assert password.encode() not in kept
    assert b"$argon2id$" in kept
    assert accounts.verify("ann", password + "x") is None
    assert accounts.verify("bob", password) is None


def test_tokens_are_kept_as_digests_only(accounts: Accounts, store: SqliteStateStore) -> None:
    text = accounts.add_token("ci", "read", "ann")
    assert text.encode() not in store.get("console", ["tokens"])["tokens"]
    found = accounts.token(text)
    assert found is not None
    assert found.scope == "read"
    assert accounts.token(text[:-1]) is None


def test_there_is_always_an_admin(accounts: Accounts) -> None:
    accounts.add("ann", "admin")
    with pytest.raises(InvalidSettings, match="last admin"):
        accounts.set_role("ann", "viewer")
    with pytest.raises(InvalidSettings, match="last admin"):
        accounts.remove("ann")
    accounts.add("bob", "admin")
    accounts.remove("ann")
    assert [account.name for account in accounts.all()] == ["bob"]


@pytest.mark.parametrize("name", ["", "a b", "<b>", "x" * 101, "a/b", "a\n"])
def test_names_that_do_not_fit_are_refused_in_words(accounts: Accounts, name: str) -> None:
    with pytest.raises(InvalidSettings, match="letters, digits"):
        accounts.add(name, "viewer")
    with pytest.raises(InvalidSettings, match="letters, digits"):
        accounts.add_token(name, "read", "me")


def test_wrong_roles_scopes_names_and_passwords_are_refused(accounts: Accounts) -> None:
    accounts.add("ann", "admin")
    for refused in (
        lambda: accounts.add("ann", "viewer"),
        lambda: accounts.add("bob", "owner"),
        lambda: accounts.add_token("t", "root", "ann"),
        lambda: accounts.set_password("ann", "short"),
        lambda: accounts.set_password("bob"),
        lambda: accounts.set_role("bob", "admin"),
        lambda: accounts.revoke_token("t"),
    ):
        with pytest.raises(InvalidSettings):
            refused()


def test_the_signing_secret_is_made_once_and_kept(accounts: Accounts) -> None:
    assert len(accounts.signing_secret()) == 64
    assert accounts.signing_secret() == accounts.signing_secret()


def test_the_audit_log_keeps_every_change_in_order(store: SqliteStateStore) -> None:
    audit = AuditLog(Documents(store), Clock())
    for number in range(450):
        audit.record("ann", "did", str(number))
    latest = audit.latest(449)
    assert [int(change.subject) for change in latest] == list(range(449, 0, -1))
    assert audit.latest(0) == []


def test_changes_of_a_document_at_the_same_time_are_all_kept(store: SqliteStateStore) -> None:
    documents = Documents(store)

    def add(name: str) -> None:
        for number in range(20):
            documents.change("list", list[str], lambda found, n=number: found.append(f"{name}{n}"))

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(documents.read("list", list[str])) == 80


def test_a_note_is_kept_until_it_says_nothing(store: SqliteStateStore) -> None:
    saved = Saved(Documents(store))
    saved.annotate("p", Note("known", True, "ann", 1))
    assert saved.notes() == {"p": Note("known", True, "ann", 1)}
    saved.annotate("p", Note("", False, "ann", 2))
    assert saved.notes() == {}


NAMES = st.text(min_size=1, max_size=40).filter(lambda text: text.strip() == text)
VALUES = st.dictionaries(st.text(min_size=1, max_size=10), st.text(min_size=1), min_size=1)


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_what_is_exported_is_imported_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, dict[str, str]]
) -> None:
    store = SqliteStateStore(tmp_path_factory.mktemp("saved") / "state.db", Clock())
    try:
        saved = Saved(Documents(store))
        for name, parameters in entries.items():
            saved.save("segments", name, parameters)
        text = saved.export_toml()
        for name in entries:
            saved.remove("segments", name)
        if entries:
            assert saved.import_toml(text) == len(entries)
        assert saved.all("segments") == dict(sorted(entries.items()))
    finally:
        store.close()
