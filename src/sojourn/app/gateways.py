"""`sojourn gateway`: a gateway alone, in front of a log that several machines share."""

from __future__ import annotations

from collections.abc import Callable

from sojourn.app.clock import SystemClock
from sojourn.app.collector import calm_collector
from sojourn.app.data_directory import DataDirectory
from sojourn.app.listening import Server, listen, url_of
from sojourn.app.logs import is_sqlite, open_log
from sojourn.app.sources import Sources, configured_sources
from sojourn.core.errors import InvalidSettings
from sojourn.gateway import Gateway, Limits
from sojourn.settings import Configuration


async def serve_gateway(
    configuration: Configuration, ready: Callable[[str, Sources], None]
) -> None:
    """Take events until SIGINT or SIGTERM; `ready` is told the URL and the sources.

    Nothing but the log is written: no data folder, no lock. Raises `InvalidSettings` for a log
    that is not shared, and where no write key is configured; `LogUnavailable` without its log.
    """
    if is_sqlite(configuration):
        raise InvalidSettings(
            "a gateway alone needs a log that it shares with `sojourn serve`; set log = "
            "nats://… (docs/scaling.md), or run `sojourn serve`, which has a gateway"
        )
    if not (configuration.sources or configuration["write_key"]):
        raise InvalidSettings(
            "there is no source; a gateway alone has no data folder to keep a write key in: "
            "configure the same [[sources]] (or write_key) as that of `sojourn serve`"
        )
    directory = DataDirectory(configuration.data_dir)
    sources = configured_sources(configuration, directory)
    options = configuration.options
    with listen(options["host"], options["port"]) as listener:
        log = open_log(configuration, directory, keeps=False)
        try:
            gateway = Gateway(
                sources.by_write_key,
                log,
                SystemClock(),
                Limits(
                    request_bytes=options["max_request_size"],
                    events_per_minute=options["rate_limit"],
                ),
            )
            calm_collector()
            server = Server(gateway, lambda: ready(url_of(listener), sources))
            await server.serve(sockets=[listener])
        finally:
            await log.close()
