"""Where events come from, by a database of IP addresses on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from sojourn.core.envelope import RequestMeta
from sojourn.core.errors import InvalidSettings
from sojourn.pipeline.enrich import Receipt, enrich
from sojourn.pipeline.geography import Geography

BERLIN = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin", "de": "Berlin"}}],
    "city": {"names": {"en": "Berlin"}},
    "location": {"time_zone": "Europe/Berlin", "latitude": 52.5, "longitude": 13.4},
    "postal": {"code": "10117"},
}


def written(path: Path, kind: str = "GeoLite2-City") -> Path:
    writer = MMDBWriter(
        6, kind, languages=["en"], description="made for a test", ipv4_compatible=True
    )
    writer.insert_network(IPSet(["203.0.113.0/24"]), BERLIN)
    writer.insert_network(IPSet(["2001:db8::/32"]), {"country": {"iso_code": "JP"}})
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": "NZ", "asn": "AS1"})
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"continent": {"code": "EU"}})
    writer.to_db_file(str(path))
    return path


@pytest.fixture(scope="module")
def geography(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Geography]:
    one = Geography(str(written(tmp_path_factory.mktemp("geo") / "places.mmdb")))
    yield one
    one.close()


def enriched(geography: Geography | None, request_ip: str, event: dict[str, Any]) -> dict[str, Any]:
    fields = msgspec.json.decode(json.dumps(event).encode(), type=dict[str, msgspec.Raw])
    meta = RequestMeta("shop", 1_795_520_000_000, request_ip, "track", "b")
    found: dict[str, Any] = json.loads(enrich(fields, 0, Receipt.of(meta), geography).line)
    return found


def test_an_event_gets_the_place_of_its_request(geography: Geography) -> None:
    found = enriched(geography, "203.0.113.9", {"event": "Ping", "context": {"locale": "de-DE"}})
    place = {"country": "DE", "region": "Land Berlin", "city": "Berlin"}
    assert found["context"] == {"locale": "de-DE", "geo": place | {"timezone": "Europe/Berlin"}}
    assert enriched(geography, "2001:db8::7", {})["context"] == {"geo": {"country": "JP"}}
    assert enriched(geography, "198.51.100.1", {})["context"] == {"geo": {"country": "NZ"}}


def test_the_address_that_the_sender_names_goes_first(geography: Geography) -> None:
    by_a_server = {"context": {"ip": " 2001:db8::1 "}}
    assert enriched(geography, "203.0.113.9", by_a_server)["context"]["geo"] == {"country": "JP"}
    blank = {"context": {"ip": ""}}
    assert enriched(geography, "2001:db8::1", blank)["context"]["geo"] == {"country": "JP"}


@pytest.mark.parametrize(
    ("request_ip", "event"),
    [
        ("10.0.0.1", {"context": {"a": 1}}),  # in no country
        ("192.0.2.1", {"context": {"a": 1}}),  # an entry without a country
        ("", {}),
        ("unknown", {}),
        ("203.0.113.9", {"context": {"geo": {"country": "FR"}}}),  # it has one
        ("203.0.113.9", {"context": "text"}),
        ("203.0.113.9", {"context": {"ip": 7}}),
        ("203.0.113.9", {"context": None}),
    ],
)
def test_whatever_an_event_holds_it_stays_as_it_is_where_there_is_no_place(
    geography: Geography, request_ip: str, event: dict[str, Any]
) -> None:
    assert enriched(geography, request_ip, event) == enriched(None, request_ip, event)


def test_a_database_that_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "text.mmdb").write_text("no database")
    whole = written(tmp_path / "whole.mmdb").read_bytes()
    (tmp_path / "half.mmdb").write_bytes(whole[: len(whole) // 2])
    written(tmp_path / "asn.mmdb", "GeoLite2-ASN")
    for name, words in (
        ("nowhere.mmdb", "No such file"),
        ("text.mmdb", "no MaxMind database"),
        ("half.mmdb", "no MaxMind database"),
        ("", "cannot be used"),
        ("asn.mmdb", "knows no countries"),
    ):
        with pytest.raises(InvalidSettings, match=f"geoip_database.*{words}"):
            Geography(str(tmp_path / name))
