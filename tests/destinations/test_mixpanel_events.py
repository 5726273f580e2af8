"""The events and profiles at Mixpanel, rule by rule: one thing changed, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.destinations.request import Request

from .mixpanel_calls import NOW, requests
from .plain_event import event

YEAR_MS = 31_556_952_000
"""365.2425 days."""


def payload(request: Request) -> Any:
    assert request.body is not None
    (one,) = request.body.value
    return one


def properties(given: Mapping[str, Any], **config: Any) -> dict[str, Any]:
    """The properties of the event that goes to `/import/`."""
    found: dict[str, Any] = payload(requests(given, **config)[-1])["properties"]
    return found


def paths(made: list[Request]) -> list[str]:
    return [request.url.split("mixpanel.com")[1] for request in made]


@pytest.mark.parametrize("kind", ["track", "page", "screen"])
@pytest.mark.parametrize(
    ("root", "context", "expected"),
    [
        (None, None, None),
        (None, 1718357415, "1718357415"),
        (None, 1718357415.0, "1718357415"),
        (None, 1718357415.5, "1718357415.5"),
        (None, 0, "0"),
        (None, False, "false"),
        (None, True, "true"),
        (None, " 17 ", " 17 "),
        (None, "web:17", "web:17"),
        (None, "", None),
        ("web:17", 5, "web:17"),
        (17, 5, "17"),
        (0, 5, "0"),
        (False, 5, "false"),
        ("", 5, "5"),
    ],
)
def test_the_session_is_the_id_as_text_and_the_events_own_property_loses(
    kind: str, root: Any, context: Any, expected: str | None
) -> None:
    given = event(kind, context={"sessionId": context, "sessionStart": True})
    if root is not None:
        given["session_id"] = root
    found = properties(given)
    assert found.get("$session_id") == expected
    assert "sessionStart" not in found
    own = properties({**given, "properties": {"$session_id": "own"}})
    assert own["$session_id"] == (expected or "own")


def test_profiles_groups_and_aliases_have_no_session() -> None:
    config = {"groupKeySettings": [{"groupKey": "company"}], "setOnceProperties": []}
    context = {"sessionId": 1718357415}
    for kind in ("identify", "group", "alias"):
        given = event(kind, context=context, traits={"company": "acme"}, previousId="p")
        assert "session" not in str([payload(one) for one in requests(given, **config)])


@pytest.mark.parametrize("simplified", [True, False])
@pytest.mark.parametrize(
    ("user", "anonymous"), [("u", "a"), ("u", None), (None, "a"), (5, 6), ("", "a")]
)
def test_whose_event_it_is(simplified: bool, user: Any, anonymous: Any) -> None:
    config = {"identityMergeApi": "simplified"} if simplified else {}
    given = event()
    for key, value in (("userId", user), ("anonymousId", anonymous)):
        if value is None:
            del given[key]
        else:
            given[key] = value
    user_text = str(user) if user else ""
    other = str(anonymous) if anonymous else None
    found = properties(given, **config)
    if simplified:
        assert found["distinct_id"] == (user_text or f"$device:{other}")
        assert found.get("$device_id") == other
        assert found.get("$user_id") == (None if user is None else user_text)
    else:
        assert found["distinct_id"] == (user_text or other)
        assert "$device_id" not in found
        assert found.get("$user_id") == (user_text or None)
    made = requests({**given, "type": "identify"}, **config)
    assert payload(made[0])["$distinct_id"] == found["distinct_id"]
    merged = bool(user and anonymous) and not simplified
    assert paths(made) == ["/engage/"] + ["/import/"] * merged
    if merged:
        assert payload(made[1]) == {
            "event": "$merge",
            "properties": {"$distinct_ids": [user_text, other], "token": "t"},
        }


@pytest.mark.parametrize(
    ("ids", "original", "simplified"),
    [
        ({}, "absent", "$device:undefined"),
        ({"anonymousId": None}, None, "$device:null"),
        ({"userId": None, "anonymousId": ""}, "", "$device:"),
        ({"userId": 0, "anonymousId": "a"}, "a", "$device:a"),
    ],
)
def test_an_event_of_nobody_says_so(ids: Any, original: Any, simplified: str) -> None:
    given = {key: one for key, one in event().items() if key not in ("userId", "anonymousId")}
    given |= {**ids, "properties": {"distinct_id": "own"}}
    assert properties(given).get("distinct_id", "absent") == original
    found = properties(given, identityMergeApi="simplified")
    assert found["distinct_id"] == simplified


def test_later_properties_win() -> None:
    context = {
        "traits": {"plan": "trait", "token": "x", "utm_source": "trait"},
        "campaign": {"name": "n", "source": "s"},
        "ip": "192.0.2.1",
    }
    own = {"plan": "own", "distinct_id": "own", "time": 5, "ip": "own", "utm_campaign": "own"}
    given = event(context=context, properties=own)
    track = properties(given)
    assert (track["plan"], track["token"], track["utm_source"]) == ("trait", "t", "s")
    assert (track["distinct_id"], track["time"], track["ip"]) == ("user-1", NOW, "192.0.2.1")
    assert (track["utm_campaign"], track["campaign_id"]) == ("n", "n")
    assert properties(given, dropTraitsInTrackEvent=True)["plan"] == "own"
    for kind in ("page", "screen"):
        view = properties({**given, "type": kind}, dropTraitsInTrackEvent=True)
        assert view["plan"] == "own"
        assert view["utm_source"] == "s"


def test_empty_texts_are_not_mapped_but_zero_and_false_are() -> None:
    context = {
        "os": {"name": "", "version": 0},
        "network": {"wifi": False, "carrier": None},
        "app": {"name": "", "build": "7"},
    }
    found = properties(event(context=context, properties={"$os": "own", "appBuildNumber": ""}))
    assert found["$os"] == "own"
    assert (found["$os_version"], found["$wifi"], found["$app_build_number"]) == (0, False, "7")
    assert "$carrier" not in found
    assert "$app_name" not in found


@pytest.mark.parametrize(
    ("message_id", "expected"),
    [
        ("short", "short"),
        ("x" * 36, "x" * 36),
        (
            "1662363980287-168cf720-6227-4b56-a98e-c49bdc7279e9",
            "168cf720-6227-4b56-a98e-c49bdc7279e9",
        ),
        ("", None),
        (None, None),
        (0, 0),
    ],
)
def test_the_insert_id_is_the_end_of_the_message_id(message_id: Any, expected: Any) -> None:
    found = properties(event(messageId=message_id))
    assert found.get("$insert_id") == (expected or None)


@pytest.mark.parametrize("message_id", [5, ["a"], {"a": 1}, True])
def test_a_tracks_message_id_must_be_a_text(message_id: Any) -> None:
    with pytest.raises(InvalidEvent, match="messageId"):
        requests(event(messageId=message_id))
    assert requests(event("page", messageId=message_id))


@pytest.mark.parametrize("kind", ["track", "page", "screen", "alias", "identify", "group"])
def test_events_older_than_five_years_are_refused_but_profiles_are_not(kind: str) -> None:
    config = {"groupKeySettings": [{"groupKey": "company"}]}
    given = event(kind, previousId="p", traits={"company": "acme"})
    limit = NOW - 5 * YEAR_MS
    assert requests({**given, "timestamp": limit}, **config)
    assert requests({**given, "timestamp": None, "originalTimestamp": limit - 1}, **config)
    old = {**given, "timestamp": limit - 1, "originalTimestamp": NOW}
    if kind in ("identify", "group"):
        assert requests(old, **config)
    else:
        with pytest.raises(InvalidEvent, match="5 years"):
            requests(old, **config)


@pytest.mark.parametrize("kind", ["Track", "IDENTIFY", "merge", "", None, 5])
def test_types_are_in_lower_case(kind: Any) -> None:
    with pytest.raises(InvalidEvent):
        requests({**event(), "type": kind})


def test_limits_count_the_mapped_properties_too() -> None:
    mapped = len(properties(event("page", name="n", category="c", properties={})))
    room = 254 - mapped
    fits = event("page", name="n", category="c", properties={f"p{n}": n for n in range(room)})
    assert len(properties(fits)) == 254
    more = {**fits, "properties": {f"p{n}": n for n in range(room + 1)}}
    with pytest.raises(InvalidEvent, match="255"):
        requests(more)
    for inner in ({"a": {f"p{n}": n for n in range(255)}}, {"a": [0] * 256}):
        with pytest.raises(InvalidEvent):
            requests(event(properties=inner))
    assert requests(event(properties={"a": [0] * 255, "b": {f"p{n}": n for n in range(254)}}))
    with pytest.raises(InvalidEvent, match="bytes"):
        requests(event(properties={"a": "x" * (1 << 20)}))
    assert requests(event("identify", traits={"a": [0] * 256}))


@pytest.mark.parametrize("kind", ["page", "screen"])
@pytest.mark.parametrize(
    ("template", "name", "category", "expected"),
    [
        ("Saw {{ category }} {{ name }} today", "N", "C", "Saw C N today"),
        ("Saw {{category}} {{  name  }} today", "N", "C", "Saw C N today"),
        ("Saw {{ category }} {{ name }} today", "N", None, "Saw N today"),
        ("Saw {{ category }} {{ name }} today", None, "C", "Saw C today"),
        ("Saw {{ category }} {{ name }} today", None, None, "Saw today"),
        ("{{ category }} {{ name }}", None, None, "{{ category }} {{ name }}"),
        ("{{ name }} page", None, "C", "{{ name }} page"),
        ("Saw {{ name }}", None, "C", "Saw {{ name }}"),
        ("Saw {{ name }}!", 5, "C", "Saw 5!"),
        ("Saw {{ name }}", "", "C", "Saw "),
        ("Saw {{ name }} {{ name }}", "N", "C", "Saw N N"),
        ("Saw {{ title }}", "N", "C", "Saw {{ title }}"),
        ("plain", "N", "C", "plain"),
    ],
)
def test_a_users_template_names_pages_and_screens(
    kind: str, template: str, name: Any, category: Any, expected: str
) -> None:
    title = kind.title()
    config = {
        f"useUserDefined{title}EventName": True,
        f"userDefined{title}EventTemplate": template,
    }
    given = event(kind, name=name, properties={"category": category, "title": "T"})
    assert payload(requests(given, **config)[0])["event"] == expected
    plain = payload(requests(given)[0])
    assert plain["event"] == f"Loaded a {title}"
    with pytest.raises(InvalidSettings):
        requests(given, **{f"useUserDefined{title}EventName": True})
