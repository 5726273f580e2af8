"""The web page and the JSON API over the insights."""

from sojourn.console.accounts import Accounts
from sojourn.console.app import Console
from sojourn.console.audit import AuditLog
from sojourn.console.documents import Documents
from sojourn.console.saved import Saved
from sojourn.console.server_pages import Operation
from sojourn.console.settings import ConsoleSettings

__all__ = [
    "Accounts",
    "AuditLog",
    "Console",
    "ConsoleSettings",
    "Documents",
    "Operation",
    "Saved",
]
