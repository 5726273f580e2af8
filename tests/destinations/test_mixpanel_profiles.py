"""Mixpanel's profiles, groups, shared requests and answers, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.core.errors import InvalidEvent, InvalidSettings

from .mixpanel_calls import NOW, event, payloads, profile, requests

STANDARD = {
    "createdAt": "2026",
    "email": "e",
    "phone": "p",
    "avatar": "a",
    "username": "n",
    "unsubscribed": False,
    "country": "DE",
    "city": "B",
    "state": "S",
    "plan": "x",
}


@pytest.mark.parametrize("at_root", [True, False])
def test_traits_with_a_property_of_their_own_are_renamed_and_others_kept(at_root: bool) -> None:
    given = event(traits=STANDARD) if at_root else event(context={"traits": STANDARD})
    assert profile(given) == {
        "$created": "2026",
        "$email": "e",
        "$phone": "p",
        "$avatar": "a",
        "$username": "n",
        "$unsubscribed": False,
        "$country_code": "DE",
        "$city": "B",
        "$region": "S",
        "plan": "x",
    }


@pytest.mark.parametrize("first", ["firstName", "firstname", "first_name"])
@pytest.mark.parametrize("new", [True, False, None])
def test_names_are_joined_where_there_is_none(first: str, new: Any) -> None:
    traits = {first: "Ann", "last_name": "Lee"}
    old = {"$firstName": "Ann", "$lastName": "Lee"}
    named = {"$first_name": "Ann", "$last_name": "Lee"} if new else old
    assert profile(event(traits=traits), useNewMapping=new) == {**named, "$name": "Ann Lee"}
    own = profile(event(traits={**traits, "name": "Own"}), useNewMapping=new)
    assert own["$name"] == "Own"
    assert "$name" not in profile(event(traits={first: "Ann"}), useNewMapping=new)
    assert "$name" not in profile(event(traits={first: "Ann", "name": False}), useNewMapping=new)
    odd = profile(event(traits={first: "Ann", "last_name": 5.0, "name": ""}), useNewMapping=new)
    assert odd["$name"] == "Ann 5"


@pytest.mark.parametrize(
    ("family", "kind", "devices", "field"),
    [
        ("iOS", "ios", "$ios_devices", "$ios_version"),
        ("tvOS", "ios", "$ios_devices", "$ios_version"),
        ("Android", "android", "$android_devices", "$android_os_version"),
        ("windows", None, "$ios_devices", "$ios_version"),
        (None, None, "$android_devices", "$android_os_version"),
    ],
)
@pytest.mark.parametrize("token", ["push", None])
def test_phones_add_their_fields_and_the_push_token_where_there_is_one(
    family: Any, kind: Any, devices: str, field: str, token: Any
) -> None:
    machine = {"type": family, "model": "m", "token": token}
    found = profile(event(context={"device": machine, "os": {"name": "o", "version": "9"}}))
    assert found["$model"] == "m"
    assert found.get(field) == ("9" if kind else None)
    assert found.get("$os") == ("o" if kind else None)
    assert found.get(devices) == ([token] if kind and token else None)


@pytest.mark.parametrize(
    ("context", "address"),
    [
        ({"ip": "192.0.2.1"}, "192.0.2.1"),
        ({"ip": ""}, "192.0.2.9"),
        ({}, "192.0.2.9"),
        (None, "192.0.2.9"),
    ],
)
@pytest.mark.parametrize(("active", "ignored"), [(False, True), (True, None), (None, None)])
def test_address_and_time_stand_beside_the_profile(
    context: Any, address: str, active: Any, ignored: Any
) -> None:
    if context is not None and active is not None:
        context = {**context, "active": active}
    given = event(context=context, request_ip="192.0.2.9")
    found = payloads(requests(given))[0][1]
    assert (found["$ip"], found["$time"], found["$token"]) == (address, NOW, "t")
    expected = ignored if context is not None else None
    assert found.get("$ignore_time") is expected


@pytest.mark.parametrize("source", ["ip", "own", 5, True])
def test_another_source_of_the_place_is_refused(source: Any) -> None:
    with pytest.raises(InvalidEvent, match="geoSource"):
        requests(event(context={"location": {"geoSource": source}}))
    for good in ("reverse_geocoding", None):
        assert requests(event(context={"location": {"geoSource": good}}))


def test_operations_take_their_traits_out_in_order_and_under_their_last_name() -> None:
    config = {
        "setOnceProperties": [{"property": "firstName"}, {"property": "a.deep"}],
        "unionProperties": [{"property": "tags"}, {"property": "email"}],
        "appendProperties": [{"property": "log"}, {"property": "none"}],
    }
    traits = {"firstName": "Ann", "a": {"deep": 1, "kept": 2}, "tags": "x", "plan": "p"}
    context = {"traits": {"firstName": "Other", "email": ["e"], "log": 0}}
    made = payloads(requests(event(traits=traits, context=context), **config))
    about = {"$token": "t", "$distinct_id": "user-1"}
    assert made[:3] == [
        ("/engage/", {"$set_once": {"$first_name": "Ann", "deep": 1}, **about}),
        ("/engage/", {"$union": {"tags": ["x"], "$email": ["e"]}, **about}),
        ("/engage/", {"$append": {"log": 0}, **about}),
    ]
    assert made[3][1]["$set"] == {"a": {"kept": 2}, "plan": "p"}
    assert made[4][1]["event"] == "$merge"
    assert traits["firstName"] == "Ann", "the event stays as it is"


@pytest.mark.parametrize("value", [None, "", "  ", {}, []])
def test_what_is_empty_takes_no_part_in_an_operation(value: Any) -> None:
    given = event(traits={"tags": value})
    made = payloads(requests(given, appendProperties=[{"property": "tags"}]))
    assert [next(iter(one)) for _, one in made] == ["$set", "event"]
    assert made[0][1]["$set"] == {"tags": value}


@pytest.mark.parametrize(
    ("revenue", "count"), [(9, 2), ("9", 2), (-9, 2), (0, 1), ("", 1), (None, 1), (False, 1)]
)
def test_revenue_is_a_transaction_of_the_profile(revenue: Any, count: int) -> None:
    made = payloads(requests(event("track", properties={"revenue": revenue})))
    assert len(made) == count
    if count == 2:
        transaction = {"$time": "2026-03-04T05:06:07.890Z", "$amount": revenue}
        assert made[0][1]["$append"] == {"$transactions": transaction}
        assert made[0][1]["$distinct_id"] == "user-1"


def test_increments_are_the_configured_properties_that_hold_something() -> None:
    config = {"propIncrements": [{"property": name} for name in ("a", "b", "c", "d")]}
    given = event("track", properties={"revenue": 1, "a": 2, "b": 0, "c": "", "x": 5})
    made = payloads(requests(given, **config))
    assert [endpoint for endpoint, _ in made] == ["/engage/", "/engage/", "/import/"]
    assert made[1][1]["$add"] == {"a": 2}
    assert len(requests(event("track", properties={"x": 5}), **config)) == 1


def test_a_group_has_a_profile_for_each_of_its_values() -> None:
    config = {"groupKeySettings": [{"groupKey": "company"}, {"groupKey": "groupId"}, {}]}
    traits = {"company": ["acme", "ajax"], "groupId": "trait", "n": 1}
    made = payloads(
        requests(event("group", traits=traits, groupId="own", request_ip="i"), **config)
    )
    assert made == [
        (
            "/engage/",
            {
                "$set": {"company": ["acme", "ajax"]},
                "$ip": "i",
                "$distinct_id": "user-1",
                "$token": "t",
            },
        ),
        *(
            (
                "/groups/",
                {"$group_key": "company", "$group_id": one, "$set": traits, "$token": "t"},
            )
            for one in ("acme", "ajax")
        ),
        (
            "/engage/",
            {"$set": {"groupId": ["own"]}, "$ip": "i", "$distinct_id": "user-1", "$token": "t"},
        ),
        (
            "/groups/",
            {"$group_key": "groupId", "$group_id": "own", "$set": traits, "$token": "t"},
        ),
    ]
    with pytest.raises(InvalidEvent):
        requests(event("group", traits={"company": ""}), **config)
    for settings in (None, [], [{"groupKey": ""}]):
        with pytest.raises(InvalidSettings):
            requests(event("group", traits=traits), groupKeySettings=settings)


@pytest.mark.parametrize(
    ("previous", "anonymous", "user", "expected"),
    [
        ("p", "a", "u", {"distinct_id": "p", "alias": "u"}),
        (None, "a", "u", {"distinct_id": "a", "alias": "u"}),
        ("", "a", 5, {"distinct_id": "a", "alias": 5}),
        (5, "a", "5", {"distinct_id": 5, "alias": "5"}),
        ("u", "a", "u", None),
        (None, "u", "u", None),
        (None, None, "u", None),
    ],
)
def test_an_alias_gives_an_id_another_name(
    previous: Any, anonymous: Any, user: Any, expected: Any
) -> None:
    given = event("alias", previousId=previous, anonymousId=anonymous, userId=user)
    if expected is None:
        with pytest.raises(InvalidEvent):
            requests(given)
        return
    made = payloads(requests(given))
    assert made == [
        ("/import/", {"event": "$create_alias", "properties": {**expected, "token": "t"}})
    ]
    with pytest.raises(InvalidEvent):
        requests(given, identityMergeApi="simplified")
