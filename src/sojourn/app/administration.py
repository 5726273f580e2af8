"""What the command line changes in the console: accounts, and what is saved."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Protocol

import msgspec

from sojourn.app.access import ask_server
from sojourn.app.clock import SystemClock
from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.console import Accounts, AuditLog, Documents, Saved
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import ReportSpec
from sojourn.log import SqliteStateStore
from sojourn.settings import Configuration

WHO = "command line"
"""The name under which changes stand in the audit log."""


class Administrator(Protocol):
    """Runs an action of `Administration` by its name, here or in the running server."""

    def __call__(self, action: str, /, **given: str) -> Any:
        """The action's answer, a JSON value. Raises `InvalidSettings` in words."""
        ...


class Administration:
    """The actions, over the console's own parts. Each takes and gives JSON values."""

    def __init__(self, accounts: Accounts, saved: Saved, audit: AuditLog) -> None:
        self._accounts = accounts
        self._saved = saved
        self._audit = audit
        self._actions: Mapping[str, Callable[..., Any]] = {
            "accounts": self._list,
            "add": self._add,
            "password": self._password,
            "role": self._role,
            "remove": self._remove,
            "export": saved.export_toml,
            "import": self._import,
        }

    def run(self, action: str, given: Mapping[str, str]) -> Any:
        """Run one action. Raises `InvalidSettings` for what is unknown or cannot be done."""
        if action not in self._actions:
            raise InvalidSettings(f"there is no action '{action}' on the console")
        return self._actions[action](**given)

    def _list(self) -> list[dict[str, Any]]:
        return [
            {"name": one.name, "role": one.role, "created_at": one.created_at}
            for one in self._accounts.all()
        ]

    def _add(self, name: str, role: str, password: str) -> str:
        """Returns the password: the one given, or where that is empty one of our own."""
        made = self._accounts.add(name, role, password)
        self._audit.record(WHO, f"added account ({role})", name)
        return made

    def _password(self, name: str, password: str) -> str:
        """As `_add`; all logins of the account end."""
        made = self._accounts.set_password(name, password)
        self._audit.record(WHO, "new password for", name)
        return made

    def _role(self, name: str, role: str) -> None:
        self._accounts.set_role(name, role)
        self._audit.record(WHO, f"made {role}", name)

    def _remove(self, name: str) -> None:
        self._accounts.remove(name)
        self._audit.record(WHO, "removed account", name)

    def _import(self, toml: str) -> int:
        count = self._saved.import_toml(toml)
        self._audit.record(WHO, "imported", "saved views")
        return count


@contextmanager
def open_administration(configuration: Configuration) -> Iterator[Administrator]:
    """Reach the console's state of the configured data folder, whoever has it open.

    Raises `InvalidSettings` where there is no data folder.
    """
    directory = DataDirectory(configuration.data_dir)
    server = directory.running_server()
    if server is not None:
        yield _remote(server)
        return
    directory.require_folder()
    directory.lock()
    try:
        clock = SystemClock()
        with closing(SqliteStateStore(directory.state, clock)) as state:
            documents = Documents(state)
            administration = Administration(
                Accounts(state, clock),
                Saved(documents, configuration.saved, _specs),
                AuditLog(documents, clock),
            )
            yield lambda action, /, **given: administration.run(action, given)
    finally:
        directory.release()


def _remote(server: RunningServer) -> Administrator:
    def run(action: str, /, **given: str) -> Any:
        path = f"administration/{urllib.parse.quote(action, safe='')}"
        with ask_server(server, path, msgspec.json.encode(given)) as answer:
            return msgspec.json.decode(answer.read())

    return run


def _specs() -> list[ReportSpec]:
    """The reports there are; loaded only where views are judged by them."""
    from sojourn.insights.reports import all_specs

    return all_specs()
