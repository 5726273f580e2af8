"""The people and programs that may use the console: names, roles, passwords, API tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

import argon2
import msgspec

from sojourn.console.documents import Documents
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Clock, StateStore

ROLES: Final = ("viewer", "admin")
SCOPES: Final = ("read", "write", "admin")
"""`read`: reports and status. `write`: also saved funnels, segments and notes. `admin`: all."""
SHORTEST_PASSWORD: Final = 10
_NAME: Final = re.compile(r"[\w.@+-]{1,100}")
_ACCOUNTS: Final = "accounts"
_TOKENS: Final = "tokens"


class Account(msgspec.Struct):
    """One person. `version` grows with every new password: older logins end."""

    name: str
    role: str
    password_hash: str
    version: int = 1
    created_at: int = 0


class Token(msgspec.Struct):
    """One API token; only the digest of its text is kept."""

    name: str
    scope: str
    digest: str
    created_by: str
    created_at: int = 0


class _Secrets(msgspec.Struct):
    signing: str = ""


class Accounts:
    """Accounts and tokens over a `StateStore`; passwords are hashed with argon2id."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        self._documents = Documents(store)
        self._clock = clock
        self._hasher = argon2.PasswordHasher()
        # Verified for unknown names, so that the time of an answer does not tell who exists.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(12))

    def first_start(self) -> tuple[str, str] | None:
        """Make the account `admin` where there is none: its name and password, to be shown once."""
        if self.all():
            return None
        return "admin", self.add("admin", "admin")

    def all(self) -> list[Account]:
        """All accounts, by name."""
        accounts = self._documents.read(_ACCOUNTS, dict[str, Account])
        return [accounts[name] for name in sorted(accounts)]

    def get(self, name: str) -> Account | None:
        """The account of this name."""
        return self._documents.read(_ACCOUNTS, dict[str, Account]).get(name)

    def add(self, name: str, role: str, password: str = "") -> str:
        """Make an account; its password (empty: one of our own) is returned.

        Raises `InvalidSettings` for a name that is taken or unusable, an unknown role, and a
        password that is too short.
        """
        if not _NAME.fullmatch(name):
            raise InvalidSettings("a name has letters, digits and . @ + - _, at most 100 of them")
        _check_role(role)
        password = _usable(password)
        account = Account(name, role, self._hasher.hash(password), 1, self._clock.now_ms())

        def insert(accounts: dict[str, Account]) -> None:
            if name in accounts:
                raise InvalidSettings(f"there is an account {name} already")
            accounts[name] = account

        self._documents.change(_ACCOUNTS, dict[str, Account], insert)
        return password

    def set_role(self, name: str, role: str) -> None:
        """Change what an account may do. Raises `InvalidSettings`, also for the last admin."""
        _check_role(role)

        def edit(accounts: dict[str, Account]) -> None:
            _existing(accounts, name).role = role
            _keep_an_admin(accounts)

        self._documents.change(_ACCOUNTS, dict[str, Account], edit)

    def set_password(self, name: str, password: str = "") -> str:
        """Set a password (empty: one of our own) and end the logins of the old; returns it."""
        password = _usable(password)
        hashed = self._hasher.hash(password)

        def edit(accounts: dict[str, Account]) -> None:
            account = _existing(accounts, name)
            account.password_hash = hashed
            account.version += 1

        self._documents.change(_ACCOUNTS, dict[str, Account], edit)
        return password

    def remove(self, name: str) -> None:
        """Remove an account. Raises `InvalidSettings` for an unknown one and the last admin."""

        def edit(accounts: dict[str, Account]) -> None:
            _existing(accounts, name)
            del accounts[name]
            _keep_an_admin(accounts)

        self._documents.change(_ACCOUNTS, dict[str, Account], edit)

    def verify(self, name: str, password: str) -> Account | None:
        """The account, if the password is its own."""
        account = self.get(name)
        try:
            self._hasher.verify(account.password_hash if account else self._nobody, password)
        except argon2.exceptions.Argon2Error:
            return None
        return account

    def tokens(self) -> list[Token]:
        """All API tokens, by name."""
        tokens = self._documents.read(_TOKENS, dict[str, Token])
        return sorted(tokens.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: str, created_by: str) -> str:
        """Make an API token and return its text, which is not kept. Raises `InvalidSettings`."""
        if scope not in SCOPES:
            raise InvalidSettings(f"the scope is one of {', '.join(SCOPES)}")
        if not _NAME.fullmatch(name):
            raise InvalidSettings("a token's name has letters, digits and . @ + - _")
        text = f"sojourn_{secrets.token_urlsafe(24)}"
        token = Token(name, scope, _digest(text), created_by, self._clock.now_ms())

        def insert(tokens: dict[str, Token]) -> None:
            if name in tokens:
                raise InvalidSettings(f"there is a token {name} already")
            tokens[name] = token

        self._documents.change(_TOKENS, dict[str, Token], insert)
        return text

    def revoke_token(self, name: str) -> None:
        """Make a token useless from now on. Raises `InvalidSettings` for an unknown one."""

        def edit(tokens: dict[str, Token]) -> None:
            if tokens.pop(name, None) is None:
                raise InvalidSettings(f"there is no token {name}")

        self._documents.change(_TOKENS, dict[str, Token], edit)

    def token(self, text: str) -> Token | None:
        """The token with this text."""
        digest = _digest(text)
        for token in self.tokens():
            if secrets.compare_digest(token.digest, digest):
                return token
        return None

    def signing_secret(self) -> str:
        """The secret that signs cookies; made at the first call and kept."""

        def ensure(kept: _Secrets) -> str:
            kept.signing = kept.signing or secrets.token_hex(32)
            return kept.signing

        secret: str = self._documents.change("secrets", _Secrets, ensure)
        return secret


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _usable(password: str) -> str:
    """The password, or one of our own for an empty one."""
    password = password or secrets.token_urlsafe(15)
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidSettings(f"a password has at least {SHORTEST_PASSWORD} characters")
    return password


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InvalidSettings(f"the role is one of {', '.join(ROLES)}")


def _existing(accounts: dict[str, Account], name: str) -> Account:
    if name not in accounts:
        raise InvalidSettings(f"there is no account {name}")
    return accounts[name]


def _keep_an_admin(accounts: dict[str, Account]) -> None:
    if not any(account.role == "admin" for account in accounts.values()):
        raise InvalidSettings("this is the last admin; make another one first")
