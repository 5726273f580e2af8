"""Which log a Sojourn has: the file in its data folder, or a NATS server."""

from __future__ import annotations

import logging
import socket
from typing import Protocol

from sojourn.app.data_directory import DataDirectory
from sojourn.core.errors import InvalidSettings, MissingPart
from sojourn.core.ports import EVENTS, RAW, Erasable, EventLog
from sojourn.log import Retention, SqliteLog
from sojourn.settings import Configuration

SQLITE = "sqlite"
_REPLICAS = (1, 3, 5)
_FOREVER = Retention(max_age_ms=0, max_bytes=0)

logger = logging.getLogger("sojourn.log")


class StoredLog(EventLog, Erasable, Protocol):
    """A log that lasts."""


def open_log(
    configuration: Configuration, directory: DataDirectory, keeps: bool = True
) -> StoredLog:
    """The configured log.

    `keeps`: this process is the one that processes the log, and deletes what is too old.

    Raises `InvalidSettings` for a `log` that cannot be, `MissingPart` for one that needs an
    extra, `LogUnavailable` where it does not answer.
    """
    retention = _retention(configuration) if keeps else _FOREVER
    if is_sqlite(configuration):
        return SqliteLog(directory.log, retention=retention)
    try:
        from sojourn.log.jetstream.holder import Claimant
        from sojourn.log.jetstream.server import NatsServer
        from sojourn.log.nats_log import NatsLog
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nats":
            raise
        raise MissingPart("log = nats://… needs: pip install 'sojourn[nats]'") from None
    replicas = configuration["nats_replicas"]
    if replicas not in _REPLICAS:
        raise InvalidSettings(f"nats_replicas is {replicas}; it must be 1, 3 or 5")
    server = NatsServer.of(
        configuration["log"],
        user=configuration["nats_user"],
        password=configuration["nats_password"],
        token=configuration["nats_token"],
        ca=configuration["nats_ca"],
        replicas=replicas,
    )
    holder = None
    if keeps:
        name = f"{socket.gethostname()}:{directory.path.resolve()}"
        holder = Claimant(directory.identity(), name)
    log = NatsLog(server, retention=retention, holder=holder)
    if directory.log.exists():
        logger.warning(
            "the log is at %s; what is in %s from before is not read", server.url, directory.log
        )
    return log


def is_sqlite(configuration: Configuration) -> bool:
    """Whether the log is the file in the data folder."""
    return bool(configuration["log"] == SQLITE)


def described_log(configuration: Configuration, log: EventLog) -> dict[str, str]:
    """For `sojourn status`: what kind of log it is, and where."""
    if is_sqlite(configuration):
        return {"kind": SQLITE, "where": "log.db"}
    return {"kind": "nats", "where": getattr(log, "description", configuration["log"])}


def _retention(configuration: Configuration) -> Retention:
    options = configuration.options
    return Retention(
        stream_age_ms={RAW: options["raw_retention"], EVENTS: options["events_retention"]},
        max_bytes=options["disk_budget"],
    )
