"""The one list of settings. The docs' table and `sojourn config` are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sojourn.settings.durations import parse_duration
from sojourn.settings.sizes import parse_size


@dataclass(frozen=True)
class Option:
    """One setting: in `sojourn.toml` under `[settings]`, in the environment as `SOJOURN_NAME`."""

    name: str
    kind: str
    """`text`, `integer`, `switch`, `duration` (ms once read), `size` (bytes once read)."""
    default: Any
    help: str
    secret: bool = False

    @property
    def environment_name(self) -> str:
        """The name of the environment variable that sets it."""
        return f"SOJOURN_{self.name.upper()}"

    def parse(self, value: Any) -> Any:
        """The value as its kind. Raises `ValueError` with what is wrong and the fix."""
        return _PARSERS[self.kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is {value!r}, not text; put it in quotes")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"is {value!r}, not a whole number")
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"is '{value}', not a whole number") from None
    if number < 0:
        raise ValueError(f"is {number}; it must not be negative")
    return number


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise ValueError(f"is {value!r}; write true or false") from None


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "switch": _switch,
    "duration": parse_duration,
    "size": parse_size,
}

OPTIONS: tuple[Option, ...] = (
    Option("data_dir", "text", "sojourn-data", "Folder that holds the log and the warehouse."),
    Option(
        "log",
        "text",
        "sqlite",
        "Where the log is: sqlite (in the data folder) or nats://host:4222/name "
        "(tls:// for TLS); see docs/scaling.md.",
    ),
    Option("nats_user", "text", "", "User at the NATS server."),
    Option("nats_password", "text", "", "Its password.", secret=True),
    Option("nats_token", "text", "", "Token at the NATS server, instead of a user.", secret=True),
    Option(
        "nats_ca", "text", "", "File with the certificates to trust in, where it is not public."
    ),
    Option("nats_replicas", "integer", 1, "Copies of the log in a NATS cluster: 1, 3 or 5."),
    Option("host", "text", "127.0.0.1", "Address to listen on; 0.0.0.0 for every interface."),
    Option("port", "integer", 8080, "Port to listen on; 0 takes a free one."),
    Option(
        "write_key",
        "text",
        "",
        "Write key of the source `default`, where no source is configured. "
        "Empty: one is made, kept in the data folder and printed.",
        secret=True,
    ),
    Option("public_url", "text", "", "The URL that SDKs use, where a proxy stands in front."),
    Option(
        "raw_retention", "duration", "90d", "How long requests are kept as they arrived; 0: always."
    ),
    Option(
        "events_retention",
        "duration",
        "90d",
        "How long processed events stay in the log once every reader has them; 0: always.",
    ),
    Option(
        "disk_budget",
        "size",
        "50GB",
        "Size of the log above which its oldest entries go, once every reader has them; what a "
        "reader still has to read stays, with an alert. 0: none.",
    ),
    Option("dedup_window", "duration", "1h", "How long a messageId is remembered as seen."),
    Option("load_interval", "duration", "1s", "Longest wait before events go to the warehouse."),
    Option("rate_limit", "integer", 0, "Most events a minute and source, then 429; 0: no limit."),
    Option(
        "max_request_size", "size", 4_096_000, "Largest request body after inflating; above it 413."
    ),
    Option(
        "geoip_database",
        "text",
        "",
        "MaxMind database of countries or cities (.mmdb), for where events come from. "
        "Empty: only what events carry themselves.",
    ),
    Option("give_up_after", "duration", "3h", "Age at which a delivery becomes a dead letter."),
    Option("late_events", "duration", "3d", "How late an event may come and still be expected."),
    Option(
        "open_console",
        "switch",
        False,
        "Show the console without a login. Only for a server that listens on loopback.",
    ),
    Option(
        "proxy_user_header",
        "text",
        "",
        "Header in which a trusted proxy names the signed-in user, such as X-Forwarded-Email.",
    ),
    Option("log_level", "text", "info", "How much is logged: debug, info, warning or error."),
)
BY_NAME = {option.name: option for option in OPTIONS}
