"""Ids on the wire are the ones that RudderStack's servers make of the same event."""

from __future__ import annotations

import uuid

import pytest

from sojourn.core.events import clean_id, derived_message_id, person_key, rudder_id
from sojourn.core.source import Source, default_timeout_ms


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        (None, ""),
        ("", ""),
        ("  u1\t", "u1"),
        ("u\u200b1", "u1"),
        ("\u00e9 ", "\u00e9"),
        (0, "0"),
        (False, "false"),
        (True, "true"),
        (1.5, "1.5"),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_an_id_is_text_without_invisible_characters(given, cleaned):
    assert clean_id(given) == cleaned


def test_a_rudder_id_depends_on_both_ids_and_looks_like_a_uuid():
    one = rudder_id("u1", "a1")
    assert one == rudder_id("u1", "a1")
    assert len({one, rudder_id("u1", "a2"), rudder_id("u2", "a1"), rudder_id("u1:a", "1")}) == 4
    assert uuid.UUID(one).version == 4
    assert rudder_id("\ud800", "a")


def test_a_message_id_follows_from_the_request_and_the_place_in_it():
    assert derived_message_id("b", 1) == derived_message_id("b", 1)
    assert derived_message_id("b", 1) != derived_message_id("b", 2)


def test_order_is_kept_by_the_anonymous_id_and_else_by_the_user():
    assert person_key("s", "a", "u") == "s:a"
    assert person_key("s", "", "u") == "s:u"


def test_a_source_has_its_platforms_timeout():
    assert Source("1", "shop", "key").timeout_ms == default_timeout_ms("web") == 1_800_000
    assert default_timeout_ms("kotlin") == 300_000
