"""Where an event came from: its IP address, looked up in a database on this machine.

The form is that of RudderStack's geolocation enrichment: `context.geo` with the ISO code of the
country, and where the database knows them region, city and time zone. Postal code and coordinates
are left out: no report needs them, and they say more of a person than the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import maxminddb
import msgspec

from sojourn.core.errors import InvalidSettings
from sojourn.pipeline.bodies import Fields

_REMEMBERED: Final = 16_384
"""Addresses whose place is kept in memory: people come with several events at a time."""
_KINDS: Final = ("country", "city", "enterprise")
_decode_text = msgspec.json.Decoder(str).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Geography:
    """Sets `context.geo` by a MaxMind database (`.mmdb`) of countries or cities.

    No address leaves the process. Safe to use from threads.
    """

    def __init__(self, path: str) -> None:
        """Open the database. Raises `InvalidSettings` for a file that is none, or of no places."""
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            why = getattr(error, "strerror", None) or "it is no MaxMind database"
            raise InvalidSettings(
                f"geoip_database: {path} cannot be used ({why}); name a .mmdb file, such as "
                "GeoLite2-Country.mmdb, or leave the setting empty"
            ) from None
        kind = self._reader.metadata().database_type
        if not any(word in kind.lower() for word in _KINDS):
            self._reader.close()
            raise InvalidSettings(
                f"geoip_database: {path} is of the type {kind}, which knows no countries; "
                "name one of countries or cities"
            )
        self._found = lru_cache(_REMEMBERED)(self._look_up)

    def place(self, event: Fields, request_ip: str) -> None:
        """Set `context.geo`, unless the event has one or its address is in no country we know.

        The address is `context.ip`, where the sender gave one, else that of the request.
        """
        try:
            context = _decode_fields(event["context"]) if "context" in event else {}
            geo = context.get("geo")
            address = _decode_text(context["ip"]) if "ip" in context else ""
        except (
            msgspec.MsgspecError,
            RecursionError,
        ):  # it is no object, or its ip no text: nothing to go by
            return
        if geo is not None and bytes(geo) != b"null":
            return
        found = self._found(address.strip() or request_ip)
        if found is not None:
            context["geo"] = found
            event["context"] = msgspec.Raw(_encode(context))

    def close(self) -> None:
        """Release the file."""
        self._reader.close()

    def _look_up(self, address: str) -> msgspec.Raw | None:
        try:
            entry = self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address, or a damaged branch
            return None
        place = _place(entry) if isinstance(entry, dict) else {}
        return msgspec.Raw(_encode(place)) if "country" in place else None


def _place(entry: Mapping[str, Any]) -> dict[str, str]:
    """What an entry says, by the names of RudderStack's enrichment; English names of places."""
    country = entry.get("country") or entry.get("registered_country")
    found = {
        "country": country if isinstance(country, str) else _at(country, "iso_code"),
        "region": _at(entry, "subdivisions", 0, "names", "en"),
        "city": _at(entry, "city", "names", "en"),
        "timezone": _at(entry, "location", "time_zone"),
    }
    return {name: value for name, value in found.items() if isinstance(value, str) and value}


def _at(value: Any, *way: str | int) -> Any:
    """What stands at the end of the way, None where the entry has no such place."""
    for step in way:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
