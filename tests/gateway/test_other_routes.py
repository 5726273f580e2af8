"""The pixel, the source configuration, and what tells about the server."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sojourn.gateway.pixel import pixel_event

from .conftest import KEY, Server, basic, serving

GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


def hit(server: Server, kind: str, *pairs: tuple[str, str], key: str = KEY) -> list[Any]:
    query = urlencode([("writeKey", key), *pairs])
    answer = server.request("GET", f"/pixel/v1/{kind}?{query}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.body == GIF
    return [(meta, json.loads(body)) for meta, body in server.stored()]


def test_a_pixel_hit_becomes_an_event(server: Server) -> None:
    ((meta, event),) = hit(
        server,
        "page",
        ("anonymousId", '"a1"'),
        ("name", "Home"),
        ("context.page.url", "https://x.example/?a=b&c"),
        ("properties.items.0.sku", "A"),
        ("properties.items.1.sku", "B"),
        ("name", "second"),
    )
    assert (meta.endpoint, meta.source_id, meta.request_ip) == ("page", "src_1", "127.0.0.1")
    assert event.pop("originalTimestamp") == event.pop("sentAt")
    assert event == {
        "type": "page",
        "channel": "web",
        "integrations": {"All": True},
        "anonymousId": "a1",
        "name": "Home",
        "context": {"page": {"url": "https://x.example/?a=b&c"}},
        "properties": {"items": [{"sku": "A"}, {"sku": "B"}]},
    }


def test_a_page_with_an_empty_name_and_a_track_without_event(server: Server) -> None:
    assert hit(server, "page", ("userId", "u"), ("name", ""))[0][1]["name"] == "Unknown Page"
    assert hit(server, "track", ("userId", "u"))[-1][1]["type"] == "track"


@pytest.mark.parametrize(
    ("key", "pairs"),
    [
        ("nobody", [("userId", "u")]),
        ("", [("userId", "u")]),
        ("off", [("userId", "u")]),
        (KEY, []),
        (KEY, [("userId", " ")]),
        (KEY, [("userId", "u"), ("event", "")]),
    ],
)
def test_a_pixel_is_always_an_image_even_if_nothing_is_stored(
    server: Server, key: str, pairs: list[tuple[str, str]]
) -> None:
    before = server.app.stats.refused.total()
    assert hit(server, "track", *pairs, key=key) == []
    assert server.app.stats.refused.total() == before + 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("properties.99999999", {"99999999": "v"}),
        ("properties.100", {"100": "v"}),
        ("properties.x.2", {"x": [None, None, "v"]}),
        ("properties.²", {"²": "v"}),
    ],
)
def test_numbers_in_names_are_capped(name: str, value: Any) -> None:
    event = pixel_event("track", {name: "v"}, 0)
    assert event is not None
    assert event["properties"] == value


@pytest.mark.parametrize("name", ["..", ".", "a..b", "a." * 30 + "a", "integrations.All.x", ""])
def test_odd_names_do_no_harm(server: Server, name: str) -> None:
    assert len(hit(server, "page", ("userId", "u"), (name, "v"), ("a", "1"), ("a.b", "2"))) == 1


def test_a_field_of_a_list_is_left_out() -> None:
    event = pixel_event("page", {"a.0": "x", "a.b": "y", "a.1.c": "z"}, 0)
    assert event is not None
    assert event["a"] == ["x", {"c": "z"}]


CONFIG_REQUESTS = {
    "web": (
        "/sourceConfig/?p=npm&v=3.34.1&build=modern&writeKey={key}"
        "&lockIntegrationsVersion=false&lockPluginsVersion=false"
    ),
    "android": "/sourceConfig?p=android&v=1.28.0&bv=34",
    "ios": "/sourceConfig?p=ios&v=1.31.1",
    "kotlin": "/sourceConfig?p=android&v=1.0.0&writeKey={key}",
    "swift": "/sourceConfig?p=ios&v=1.0.0&writeKey={key}",
}


@pytest.mark.parametrize("sdk", CONFIG_REQUESTS)
def test_the_source_configuration_satisfies_every_sdk(server: Server, sdk: str) -> None:
    path = CONFIG_REQUESTS[sdk].format(key=KEY)
    answer = server.request("GET", path, headers={"Authorization": basic(KEY)})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    config = json.loads(answer.body)
    source = config["source"]
    assert {"id", "name", "writeKey", "workspaceId", "updatedAt", "enabled"} <= source.keys()
    assert (source["id"], source["enabled"]) == ("src_1", True)
    assert source["destinations"] == source["connections"] == []
    statistics = source["config"]["statsCollection"]
    assert statistics["errors"]["enabled"] is statistics["metrics"]["enabled"] is False
    assert "dataplanes" not in source
    assert "updatedAt" in config


def test_the_source_configuration_takes_the_key_from_the_query_alone(server: Server) -> None:
    assert server.request("GET", f"/sourceConfig/?writeKey={KEY}").status == 200


def test_a_source_that_is_off_says_so(server: Server) -> None:
    answer = server.request("GET", "/sourceConfig?writeKey=off")
    assert json.loads(answer.body)["source"]["enabled"] is False


@pytest.mark.parametrize("query", ["", "?writeKey=", "?writeKey=nobody", "?writeKey=%ff"])
def test_an_unknown_key_is_a_400_so_that_phones_stop_asking(server: Server, query: str) -> None:
    answer = server.request("GET", "/sourceConfig" + query)
    assert (answer.status, answer.text) == (400, "invalid write key\n")


@pytest.mark.parametrize("path", ["/health", "/"])
def test_health(server: Server, path: str) -> None:
    answer = server.request("GET", path)
    health = json.loads(answer.body)
    assert answer.status == 200
    assert (health["server"], health["db"], health["acceptingEvents"]) == ("UP", "UP", "TRUE")
    assert all(isinstance(value, str) for value in health.values())


def test_version_and_robots(server: Server) -> None:
    version = json.loads(server.request("GET", "/version").body)
    assert {"Version", "Commit", "BuildDate", "BuiltBy", "Features"} == version.keys()
    assert "Disallow: /\n" in server.request("GET", "/robots.txt").text


def test_suppressed_users_are_answered_and_not_stored() -> None:
    def suppressed(source_id: str, user_id: str) -> bool:
        return (source_id, user_id) == ("src_1", "gone")

    with serving(suppressed=suppressed) as server:
        assert server.post("/v1/track", b'{"userId":" gone ","anonymousId":"a"}').text == "ok"
        assert server.post("/v1/batch", b'{"batch":[{"userId":"gone"}]}').text == "ok"
        assert server.stored() == []
        mixed = b'{"batch":[{"userId":"gone"}, {"userId":"stays", "n":1.50} ,{"anonymousId":"gone",'
        mixed += b'"t":"\\ud83d"}],"sentAt":"x"}'
        assert server.post("/v1/batch", mixed).text == "ok"
        assert server.post("/v1/batch", b'{"batch":{"userId":"gone"}}').text == "ok"
        assert server.post("/v1/track", b'{"userId":"gone"}', "kéy✓").text == "ok"
        stored = [body for _, body in server.stored()]
        assert stored[0].startswith(b'{"batch":[{"userId":"stays", "n":1.50},{"anonymousId"')
        assert stored[1] == b'{"userId":"gone"}', "another source"
        assert len(json.loads(stored[0])["batch"]) == 2
        assert (server.app.stats.suppressed, server.app.stats.events) == (4, 3)
        assert server.post("/v1/batch", b'{"batch":[{"userId":"gone"},{}]}').status == 400
