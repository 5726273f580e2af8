"""The fields of an Amplitude event: one thing changed, and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.destinations.amplitude import Amplitude

from .amplitude_calls import body, event, requests, sent

SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.4.1 Safari/605.1.15"
)


@pytest.mark.parametrize("kind", ["track", "Track", "PAGE", "screen", "identify", "Group"])
@pytest.mark.parametrize(
    ("root", "context", "expected"),
    [
        (None, None, -1),
        (None, 1718357415, 1718357415),
        (None, 1718357415123, 1718357415123),
        (None, "1718357415", 1718357415),
        (None, "00042", 42),
        (None, -7, -7),
        (None, "-7", -7),
        (None, "0", 0),
        (None, 0, -1),
        (None, 5.0, 5),
        (None, 5.5, -1),
        (None, "5.0", -1),
        (None, "+5", -1),
        (None, " 5", -1),
        (None, "5 ", -1),
        (None, "5\n", -1),
        (None, "٥", -1),
        (None, "web:5", -1),
        (None, "", -1),
        (None, True, -1),
        (None, [5], -1),
        (None, {"id": 5}, -1),
        ("web:device:9", 5, 9),
        ("9", 5, 9),
        ("web:", 5, 5),
        ("web:x9", 5, 5),
        ("web:-9", 5, -9),
        (9, 5, 9),
        (9.5, 5, 9.5),
        (-9, 5, -9),
        (-1, 5, 5),
        ("web:-1", 5, 5),
        (0, 5, 5),
        ("", 5, 5),
        (False, 5, 5),
        ("x", None, -1),
    ],
)
def test_the_session_is_the_roots_else_the_contexts_else_none(
    kind: str, root: Any, context: Any, expected: float
) -> None:
    given = event(kind, context={"sessionId": context, "sessionStart": True}, event="e")
    if root is not None:
        given["session_id"] = root
    found = sent(given)
    assert found["session_id"] == expected
    assert "sessionStart" not in found


@pytest.mark.parametrize(
    ("stamp", "original", "expected"),
    [
        ("2026-03-04T05:06:07.890Z", None, 1772600767890),
        ("2026-03-04T05:06:07.890999Z", None, 1772600767890),
        ("2026-03-04T05:06:07Z", None, 1772600767000),
        ("2026-03-04T06:06:07+01:00", None, 1772600767000),
        (None, "2026-03-04T05:06:07Z", 1772600767000),
        ("", "2026-03-04T05:06:07Z", 1772600767000),
        ("2026-03-04T05:06:08Z", "2026-03-04T05:06:07Z", 1772600768000),
    ],
)
def test_the_time_is_in_milliseconds_with_the_rest_dropped(
    stamp: Any, original: Any, expected: int
) -> None:
    assert sent(event(timestamp=stamp, originalTimestamp=original))["time"] == expected


@pytest.mark.parametrize(
    ("residency", "host"),
    [
        ("EU", "https://api.eu.amplitude.com"),
        ("US", "https://api2.amplitude.com"),
        ("eu", "https://api2.amplitude.com"),
        ("", "https://api2.amplitude.com"),
        (None, "https://api2.amplitude.com"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("track", ["/2/httpapi"]),
        ("identify", ["/2/httpapi"]),
        ("group", ["/2/httpapi", "/groupidentify"]),
        ("alias", ["/usermap"]),
    ],
)
def test_every_call_goes_to_the_projects_residency(
    residency: Any, host: str, kind: str, paths: list[str]
) -> None:
    given = event(kind, previousId="p", integrations={"Amplitude": {"groups": {"g": 1}}})
    made = requests(given, residencyServer=residency)
    assert [request.url for request in made] == [host + path for path in paths]
    for request in made:
        json = request.url.endswith("httpapi")
        assert dict(request.headers) == ({"Content-Type": "application/json"} if json else {})


@pytest.mark.parametrize("key", [None, "", 0])
def test_without_an_api_key_nothing_can_be_sent(key: Any) -> None:
    with pytest.raises(InvalidSettings):
        Amplitude({"apiKey": key}).requests(event())


@pytest.mark.parametrize("name", [None, "", 5, True, 0, ["a"], {}])
def test_a_track_without_a_text_for_a_name_is_refused(name: Any) -> None:
    with pytest.raises(InvalidEvent):
        requests(event(event=name))


@pytest.mark.parametrize("user", [None, "", 0, False])
def test_one_of_the_two_ids_is_required(user: Any) -> None:
    assert sent(event(userId=user))["device_id"] == "anon-1"
    with pytest.raises(InvalidEvent):
        requests(event(userId=user, anonymousId=None))
    assert sent(event(userId=5, anonymousId=None))["user_id"] == 5


def test_traits_named_like_a_field_override_it_and_only_computed_ones_stop_being_properties() -> (
    None
):
    context = {
        "os": {"name": "iOS", "version": "17"},
        "locale": "en",
        "location": {"region": "r", "dma": "d"},
        "traits": {"app_name": "never"},
    }
    traits = {"os_name": "own", "language": "fr", "region": "own r", "plan": "x", "dma": None}
    found = sent(event(context=context, traits=traits))
    assert (found["os_name"], found["os_version"]) == ("own", "17")
    assert (found["language"], found["region"], found["dma"]) == ("fr", "own r", "d")
    assert "app_name" not in found
    assert found["user_properties"] == {
        "language": "fr",
        "region": "own r",
        "plan": "x",
        "dma": None,
    }


def test_screens_take_the_context_even_in_a_browser_and_keep_the_traits() -> None:
    context = {"userAgent": SAFARI, "os": {"name": "iOS"}, "device": {"type": "iPad"}}
    traits = {"os_version": "9", "device_brand": "b"}
    screen = sent(event("screen", name="n", channel="web", context=context, traits=traits))
    assert (screen["os_name"], screen["platform"]) == ("iOS", "iPad")
    assert (screen["os_version"], screen["device_brand"]) == ("9", "b")
    assert screen["user_properties"] == {"os_version": "9"}
    page = sent(event("page", name="n", channel="WEB", context=context, traits=traits))
    assert (page["os_name"], page["platform"], page["device_model"]) == ("Safari", "Web", "Mac")
    assert (page["os_version"], page["device_brand"]) == ("9", "b")
    assert page["user_properties"] == {}


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("iOS", {"idfa": "ad", "idfv": "id"}),
        ("watchos", {"idfa": "ad", "idfv": "id"}),
        ("iPadOS", {"idfa": "ad", "idfv": "id"}),
        ("TVOS", {"idfa": "ad", "idfv": "id"}),
        ("Android", {"adid": "ad"}),
        ("windows", {}),
        (None, {}),
    ],
)
@pytest.mark.parametrize("channel", ["mobile", "Mobile", "server", None])
def test_advertising_ids_go_with_the_channel_mobile_only(
    family: Any, expected: dict[str, str], channel: Any
) -> None:
    machine = {"type": family, "advertisingId": "ad", "id": "id", "manufacturer": "m", "brand": "b"}
    given = event(channel=channel, context={"device": machine})
    found = sent(given)
    mobile = channel == "mobile"
    names = ("idfa", "idfv", "adid")
    assert {name: found[name] for name in names if name in found} == (expected if mobile else {})
    assert found.get("device_brand") == ("m" if mobile else None)
    assert sent(given, mapDeviceBrand=True)["device_brand"] == "b"
    assert found["device_manufacturer"] == "m"


def test_no_trait_replaces_the_maker_of_a_phone() -> None:
    given = event(
        channel="mobile",
        context={"device": {"manufacturer": "m"}},
        traits={"device_brand": "own"},
    )
    assert sent(given)["device_brand"] == "m"
    assert sent(given, mapDeviceBrand=True)["device_brand"] == "own"


@pytest.mark.parametrize(
    ("event_id", "expected"), [(5, 5), (0, 0), ("5", None), (None, None), ([1], [1])]
)
def test_an_event_id_is_anything_but_a_text(event_id: Any, expected: Any) -> None:
    given = event(integrations={"Amplitude": {"event_id": event_id}})
    assert sent(given).get("event_id") == expected
    alias = event("alias", previousId="p", integrations={"Amplitude": {"event_id": event_id}})
    assert body(requests(alias)[0])["mapping"].get("event_id") == expected


def test_place_comes_from_the_location_then_from_addresses_and_leaves_the_properties() -> None:
    context = {
        "location": {"country": "DE", "city": ""},
        "traits": {"address": {"city": "C", "country": "CC", "street": "S"}, "city": "own"},
    }
    found = sent(event("identify", context=context))
    assert (found["country"], found["city"]) == ("DE", "C")
    assert found["user_properties"] == {"street": "S"}
    track = sent(event(context=context))
    assert (track["country"], track["city"]) == ("DE", "C")
    assert track["user_properties"] == {"address": {"street": "S"}}
    kept = sent(event("identify", context=context), enableEnhancedUserOperations=True)
    assert kept["user_properties"] == {"$set": {"city": "own", "country": "CC", "street": "S"}}
