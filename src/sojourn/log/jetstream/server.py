"""Which NATS server, and which of the logs on it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sojourn.core.errors import InvalidSettings

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_SCHEMES = ("nats", "tls")


@dataclass(frozen=True)
class NatsServer:
    """Where a log is: `nats://host:port/name`, `tls://` for TLS; several hosts with commas.

    `name` goes before the streams (`name_raw`, …) and is the bucket of the positions; it lets
    several Sojourns share a server. `sojourn` where the URL has none.
    """

    hosts: tuple[str, ...]
    name: str = "sojourn"
    tls: bool = False
    user: str = ""
    password: str = ""
    token: str = ""
    ca: str = ""
    """A file with the certificates to trust; empty: those that the system trusts."""
    replicas: int = 1

    @classmethod
    def of(cls, url: str, **more: Any) -> NatsServer:
        """The server of a URL. Raises `InvalidSettings` that says how one is written."""
        parts = urlsplit(url)
        hosts = tuple(host for host in parts.netloc.split(",") if host)
        if parts.scheme not in _SCHEMES or not hosts or parts.query or parts.fragment:
            raise InvalidSettings(
                f"log is '{_without_secrets(url)}'; write sqlite, or nats://host:4222"
            )
        if "@" in parts.netloc:
            raise InvalidSettings(
                "log holds a user and a password; put them in nats_user and nats_password"
            )
        name = parts.path.strip("/") or cls.name
        if not _NAME.fullmatch(name):
            raise InvalidSettings(
                f"log names '{name}' on the server; use small letters, digits, '_' and '-'"
            )
        return cls(hosts=hosts, name=name, tls=parts.scheme == "tls", **more)

    @property
    def url(self) -> str:
        """For people: without anything secret."""
        return f"{'tls' if self.tls else 'nats'}://{','.join(self.hosts)}/{self.name}"

    def stream(self, stream: str) -> str:
        """The JetStream stream that holds `stream`."""
        return f"{self.name}_{stream}"

    def subject(self, stream: str, kind: str) -> str:
        """The subject of its messages: `entries`, `part`, or `>` for both."""
        return f"{self.name}.{stream}.{kind}"

    def connect_options(self) -> dict[str, Any]:
        """What `nats.connect` is told. Raises `InvalidSettings` for a `ca` that is no file."""
        options: dict[str, Any] = {
            "servers": [f"{'tls' if self.tls else 'nats'}://{host}" for host in self.hosts]
        }
        for key in ("user", "password", "token"):
            if getattr(self, key):
                options[key] = getattr(self, key)
        if self.tls or self.ca:
            try:
                options["tls"] = ssl.create_default_context(cafile=self.ca or None)
            except OSError as error:
                raise InvalidSettings(
                    f"nats_ca is '{self.ca}', which cannot be used: {error}"
                ) from None
        return options


def _without_secrets(url: str) -> str:
    head, at, host = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{host}" if at else url
