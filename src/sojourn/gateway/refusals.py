"""Why the gateway does not take a request: status, text on the wire, name in the counters."""

from __future__ import annotations


class Refused(Exception):
    """The request is answered with `status` and `text`; `reason` names it in `Stats`.

    The texts are part of the wire contract: the mobile SDKs search answers for them.
    """

    def __init__(self, status: int, text: str, reason: str, close: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason
        self.close = close
        """The connection cannot be used again."""


def overloaded() -> Refused:
    """Too many requests, or too many bytes of them, at once."""
    return Refused(503, "Service Unavailable", "overloaded")


def no_key_in_header() -> Refused:
    """No, malformed or empty Basic credentials."""
    return Refused(401, "failed to read writekey from header", "no_write_key")


def no_key_in_query() -> Refused:
    """A beacon without `writeKey`."""
    return Refused(401, "failed to read writekey from query params", "no_write_key")


def unknown_key() -> Refused:
    """A key of no source. The text makes mobile SDKs stop sending."""
    return Refused(401, "invalid write key", "unknown_write_key")


def source_disabled() -> Refused:
    """The key of a source that is switched off."""
    return Refused(404, "source is disabled", "source_disabled")


def unreadable_body() -> Refused:
    """Broken gzip. (RudderStack answers 500, which makes SDKs retry for ever.)"""
    return Refused(400, "failed to read body from request", "unreadable_body")


def slow_body() -> Refused:
    """The body did not arrive in time."""
    return Refused(408, "failed to read body from request", "slow_body", close=True)


def invalid_json() -> Refused:
    """Not JSON, nested too deeply, or with a number that no double holds."""
    return Refused(400, "invalid json", "invalid_json")


def invalid_event() -> Refused:
    """An event that is not an object."""
    return Refused(400, "event is not a valid rudder event", "invalid_event")


def nameless_event() -> Refused:
    """An event without an id. Android's SDK deletes such events when it reads the text."""
    return Refused(400, "request neither has anonymousId nor userId", "nameless_event")


def empty_batch() -> Refused:
    """`batch` is missing, null or without events."""
    return Refused(400, "empty batch payload", "empty_batch")


def rate_limited() -> Refused:
    """The source sends more events a minute than it may."""
    return Refused(429, "max requests limit reached", "rate_limited")


def too_large() -> Refused:
    """The body is above the limit."""
    return Refused(413, "request size exceeds max limit", "too_large")


def log_failed() -> Refused:
    """The log could not store the request; the client tries again."""
    return Refused(500, "the event log could not be written", "log_failed")


def log_timed_out() -> Refused:
    """The log did not store the request in time; the client tries again."""
    return Refused(504, "gateway timeout", "log_timed_out")
