"""Sessions have a country where a database of IP addresses is configured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from sojourn.app.data_directory import DataDirectory
from sojourn.app.platform import Platform
from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import RAW, Entry
from sojourn.settings import load

PLACES = {"203.0.113.0/24": "DE", "198.51.100.0/24": "NZ"}
START = 1_772_352_000_000


def database(path: Path) -> Path:
    writer = MMDBWriter(4, "GeoLite2-Country", languages=["en"], description="made for a test")
    for network, country in PLACES.items():
        writer.insert_network(IPSet([network]), {"country": {"iso_code": country}})
    writer.to_db_file(str(path))
    return path


def page_view(number: int, request_ip: str) -> Entry:
    event = {"messageId": f"m{number}", "anonymousId": f"v{number}", "name": "Home"}
    meta = RequestMeta("default", START, request_ip, "page", f"b{number}")
    return Entry("v", pack_request(meta, json.dumps(event).encode()))


async def test_sessions_are_counted_by_country(tmp_path: Path) -> None:
    settings = {"SOJOURN_GEOIP_DATABASE": str(database(tmp_path / "places.mmdb"))}
    directory = DataDirectory(tmp_path / "data")
    directory.lock()
    platform = Platform(load(None, settings), directory)
    try:
        from_where = ("203.0.113.1", "203.0.113.2", "198.51.100.3", "10.0.0.1")
        entries = [page_view(number, ip) for number, ip in enumerate(from_where)]
        await platform.log.append(RAW, entries)
        await platform.catch_up()
        asked = {"by": "country", "from": "2026-03-01", "to": "2026-03-02"}
        report = platform.reports.run("breakdown", asked)
        place = report.columns.index("sessions")
        assert {row[0]: row[place] for row in report.rows} == {"DE": 2, "NZ": 1, None: 1}
    finally:
        await platform.close()
        directory.release()


def test_a_server_does_not_start_with_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "bad.mmdb").write_bytes(b"\x00" * 200)
    for name, words in (("nowhere.mmdb", "No such file"), ("bad.mmdb", "no MaxMind database")):
        settings = {"SOJOURN_GEOIP_DATABASE": str(tmp_path / name)}
        with pytest.raises(InvalidSettings, match=words):
            Platform(load(None, settings), DataDirectory(tmp_path / "data"))
