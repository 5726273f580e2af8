"""What each call becomes at Amplitude: names, user properties, groups, aliases."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.core.errors import InvalidEvent

from .amplitude_calls import body, event, requests, sent


def test_user_properties_begin_with_the_first_page_and_the_campaign() -> None:
    context = {
        "page": {"initial_referrer": "$direct", "initial_referring_domain": "", "url": "u"},
        "campaign": {"name": "n", "source": "s", "custom": 1},
    }
    expected = {
        "initial_referrer": "$direct",
        "initial_referring_domain": "",
        "utm_name": "n",
        "utm_source": "s",
        "utm_custom": 1,
    }
    for kind in ("identify", "page", "screen", "group", "track"):
        assert sent(event(kind, name="n", context=context))["user_properties"] == expected
    assert sent(event())["user_properties"] == {}


def test_operations_move_named_traits_nested_and_null_ones_too() -> None:
    config = {
        "traitsToIncrement": [{"traits": "logins"}, {"traits": "gone"}],
        "traitsToSetOnce": [{"traits": "a.b"}, {"traits": ""}],
        "traitsToAppend": [{"traits": "tags"}],
        "traitsToPrepend": [{}],
    }
    traits = {"logins": None, "a": {"b": 1, "c": 2}, "tags": ["x"], "plan": "p"}
    given = event("identify", traits=traits, userProperties={"plan": "old", "kept": 1})
    moved = {"$add": {"logins": None}, "$setOnce": {"a.b": 1}, "$append": {"tags": ["x"]}}
    rest = {"a": {"c": 2}, "plan": "p", "kept": 1}
    assert sent(given, **config)["user_properties"] == {**moved, **rest}
    enhanced = sent(given, enableEnhancedUserOperations=True, **config)
    assert enhanced["user_properties"] == {**moved, "$set": rest}
    assert traits["a"] == {"b": 1, "c": 2}, "the event stays as it is"


def test_fields_to_unset_count_on_other_calls_only_with_enhanced_operations() -> None:
    asked = {"Amplitude": {"fieldsToUnset": ["old", "older"]}}
    unset = {"$unset": {"old": "-", "older": "-"}}
    assert sent(event("identify", integrations=asked))["user_properties"] == unset
    assert sent(event(integrations=asked))["user_properties"] == {}
    enhanced = sent(event(integrations=asked), enableEnhancedUserOperations=True)
    assert enhanced["user_properties"] == unset
    odd = event("identify", integrations={"Amplitude": {"fieldsToUnset": [1, {}]}})
    assert sent(odd)["user_properties"] == {"$unset": {"1": "-", "[object Object]": "-"}}
    text = {"Amplitude": {"fieldsToUnset": "old"}}
    assert sent(event("identify", integrations=text))["user_properties"] == {}


@pytest.mark.parametrize(
    ("kind", "more", "name", "shown"),
    [
        ("page", {"name": "Home", "properties": {"category": "c"}}, "Viewed Home Page", "Home"),
        ("page", {"properties": {"category": "c"}}, "Viewed c Page", "c"),
        ("page", {"properties": {"name": "inner"}}, "Viewed  Page", None),
        ("page", {"name": "", "event": "e"}, "Viewed  Page", None),
        ("screen", {"name": "Home", "event": "e"}, "Viewed Home Screen", "Home"),
        (
            "screen",
            {"event": "e", "properties": {"category": "c"}},
            "Viewed e Screen",
            "e",
        ),
        ("screen", {"properties": {"category": "c"}}, "Viewed c Screen", "c"),
        ("screen", {}, "Viewed  Screen", None),
    ],
)
def test_pages_and_screens_are_named(
    kind: str, more: dict[str, Any], name: str, shown: str | None
) -> None:
    found = sent(event(kind, **more))
    assert found["event_type"] == name
    assert found["event_properties"].get("name") == shown
    assert "screen_name" not in found["event_properties"]


PROPERTIES = {"a": {"b": "deep"}, "n": 5, "null": None, "list": ["first"]}


@pytest.mark.parametrize("kind", ["page", "screen"])
@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("Saw {{ name }}", "Saw Home"),
        ("{{properties.a.b}} and {{ name }}", "deep and deep"),
        ("  plain  ", "plain"),
        ("", "Home"),
        ("   ", "Home"),
        ("Saw {{ properties.none }}", "Saw undefined"),
        ("Saw {{ properties.null }}", "Saw null"),
        ("Saw {{ properties.list.0 }}", "Saw first"),
        ("{{ properties.n }}", "5"),
        (None, None),
    ],
)
def test_a_users_template_names_pages_and_screens(
    kind: str, template: Any, name: str | None
) -> None:
    title = kind.title()
    config = {
        f"useUserDefined{title}EventName": True,
        f"userProvided{title}EventString": template,
    }
    given = event(kind, name="Home", properties=PROPERTIES)
    if name is None:
        with pytest.raises(InvalidEvent):
            requests(given, **config)
        return
    assert sent(given, **config)["event_type"] == name
    config[f"useUserDefined{title}EventName"] = False
    assert sent(given, **config)["event_type"] == f"Viewed Home {title}"


@pytest.mark.parametrize(
    ("traits", "named"),
    [
        ({"kind": "company", "id": "acme"}, "acme"),
        ({"kind": "company", "id": 7}, 7),
        ({"kind": "company", "id": True}, None),
        ({"kind": "company", "id": ["acme"]}, None),
        ({"kind": "company", "id": 0}, None),
        ({"kind": "company", "id": ""}, None),
        ({"kind": 5, "id": "acme"}, None),
        ({"id": "acme"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("at_root", [True, False])
def test_a_group_is_named_by_two_traits(traits: Any, named: Any, at_root: bool) -> None:
    where = {"traits": traits} if at_root else {"context": {"traits": traits}}
    config = {"groupTypeTrait": "kind", "groupValueTrait": "id"}
    if named is None:
        with pytest.raises(InvalidEvent):
            requests(event("group", **where), **config)
        return
    made = requests(event("group", **where), **config)
    first = body(made[0])["events"][0]
    assert first["groups"] == first["user_properties"] == {"company": named}
    assert first["event_type"] == "$identify"
    assert "insert_id" not in first
    assert body(made[1]) == {
        "api_key": "k",
        "identification": {
            "group_type": "company",
            "group_value": named,
            "group_properties": traits,
        },
    }


def test_a_groups_traits_that_override_a_field_are_not_its_properties() -> None:
    traits = {"kind": "company", "id": "acme", "platform": "own", "language": "fr"}
    made = requests(event("group", traits=traits), groupTypeTrait="kind", groupValueTrait="id")
    first = body(made[0])["events"][0]
    assert (first["platform"], first["language"]) == ("own", "fr")
    shown = body(made[1])["identification"]["group_properties"]
    assert shown == {"kind": "company", "id": "acme", "language": "fr"}
    assert traits["platform"] == "own", "the event stays as it is"


def test_a_part_of_an_address_may_be_null() -> None:
    traits = {"address": {"street": None, "state": "S"}, "state": None}
    assert sent(event("identify", traits=traits))["user_properties"] == {
        "street": None,
        "state": None,
    }


def test_a_group_without_settings_is_a_bare_identify() -> None:
    (one,) = requests(event("group", traits={"kind": "company", "id": "acme"}))
    assert "groups" not in body(one)["events"][0]
    assert body(one)["events"][0]["user_properties"] == {}


def test_an_alias_is_a_mapping_that_can_be_undone_and_overridden() -> None:
    given = event("alias", previousId="old")
    expected = {"global_user_id": "user-1", "user_id": "old", "user_properties": {}}
    assert body(requests(given)[0]) == {"api_key": "k", "mapping": expected}
    undone = event("alias", previousId="old", integrations={"Amplitude": {"unmap": "u"}})
    assert body(requests(undone)[0])["mapping"] == {
        "user_id": "u",
        "unmap": True,
        "user_properties": {},
    }
    own = event("alias", previousId="old", traits={"user_id": "own", "global_user_id": None})
    assert body(requests(own)[0])["mapping"]["user_id"] == "own"
    assert body(requests(own)[0])["mapping"]["global_user_id"] == "user-1"


def test_delivery_without_property_sync_is_marked() -> None:
    for kind in ("track", "identify", "page"):
        given = event(kind, name="n", integrations={"Amplitude": {"skipUserPropertiesSync": True}})
        assert sent(given)["$skip_user_properties_sync"] is True
    assert "$skip_user_properties_sync" not in sent(event())


@pytest.mark.parametrize(
    ("external", "traits", "user_id", "properties"),
    [
        (
            {"identifierType": "device_id", "id": "d"},
            {"a": 1},
            "user-1",
            {"a": 1, "device_id": "d"},
        ),
        ({"identifierType": "user_id", "id": "x"}, {"a": 1}, "x", {"a": 1, "user_id": "x"}),
        ({"identifierType": "user_id", "id": "x"}, None, "x", {}),
        ({"identifierType": "user_id", "id": ""}, {"a": 1}, "user-1", {"a": 1, "user_id": ""}),
        ({"identifierType": "user_id"}, {"a": 1}, "user-1", {"a": 1}),
        ({"identifierType": {}, "id": "x"}, {"a": 1}, "user-1", {"a": 1}),
    ],
)
@pytest.mark.parametrize("mapped", [True, False])
def test_the_external_id_of_a_reverse_etl_source_is_a_trait_and_may_be_the_user(
    external: Any, traits: Any, user_id: str, properties: Any, mapped: bool
) -> None:
    context = {"mappedToDestination": mapped, "externalId": [external]}
    given = event("identify", traits=traits, context=context)
    found = sent(given)
    assert found["user_id"] == (user_id if mapped else "user-1")
    assert found["user_properties"] == (properties if mapped else traits or {})
    assert given["userId"] == "user-1", "the event stays as it is"
