"""A program written for rudder-sdk-python runs on `sojourn.sdk.compat` as it is."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sojourn.sdk import compat

CALLS = ["identify", "track", "alias", "group", "page", "screen"]


@pytest.fixture
def module(stub: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(compat, "write_key", "key")
    monkeypatch.setattr(compat, "dataPlaneUrl", stub.url)
    monkeypatch.setattr(compat, "upload_interval", 0.01)
    yield compat
    if compat.default_client is not None:
        compat.shutdown()
    compat.default_client = None


def test_signatures_and_globals_are_those_of_rudder_sdk_python() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip("rudderstack.analytics")
    for name in [*CALLS, "__init__", "flush", "join", "shutdown"]:
        ours = inspect.signature(getattr(compat.Client, name))
        original = inspect.signature(getattr(theirs.Client, name))
        assert list(ours.parameters) == list(original.parameters), name
        for parameter in ours.parameters.values():
            assert parameter.default == original.parameters[parameter.name].default, parameter
    settings = {n for n in vars(theirs) if not n.startswith("_")} - {
        *("client", "consumer", "get_env", "request", "utils", "version", "deprecation"),
        *("warnings", "VERSION", "test"),
    }
    for name in settings:
        assert hasattr(compat, name), name


def test_the_module_sends_what_it_is_told(stub: Any, module: Any) -> None:
    module.track("u-1", "Order Completed", {"revenue": 12.5}, {"ip": "1.2.3.4"})
    module.identify("u-1", {"plan": "pro"}, anonymous_id="a-1")
    module.page(user_id=7, category="Shop", name="Home")
    module.screen(anonymous_id="a-1", name="Cart", properties={"n": 1})
    module.group("u-1", "g-1", {"size": 3})
    module.alias("old", "new", message_id="mine")
    module.flush()
    track, identify, page, screen, group, alias = stub.accepted
    assert track["event"] == "Order Completed"
    assert (track["userId"], track["properties"]) == ("u-1", {"revenue": 12.5})
    assert track["context"]["ip"] == "1.2.3.4"
    assert track["channel"] == "server"
    assert track["integrations"] == {"All": True}
    assert identify["context"]["traits"] == {"plan": "pro"}
    assert (page["userId"], page["name"], page["category"]) == ("7", "Home", "Shop")
    assert (screen["anonymousId"], screen["properties"]) == ("a-1", {"n": 1})
    assert (group["groupId"], group["traits"]) == ("g-1", {"size": 3})
    assert (alias["previousId"], alias["userId"], alias["messageId"]) == ("old", "new", "mine")


def test_calls_return_the_outcome_and_the_message(stub: Any) -> None:
    client = compat.Client("key", stub.url)
    context = {"ip": "1"}
    when = datetime(2020, 1, 2, tzinfo=UTC)
    before = copy.deepcopy(context)
    queued, message = client.identify("u", {"a": 1}, context, when)
    assert queued
    assert message["timestamp"] == "2020-01-02T00:00:00+00:00"
    assert (message["type"], message["userId"]) == ("identify", "u")
    assert context == before
    client.shutdown()
    assert stub.accepted[0]["originalTimestamp"] == "2020-01-02T00:00:00.000Z"
    assert client.track("u", "late")[0] is False


def test_misuse_is_an_assertion_error(stub: Any) -> None:
    client = compat.Client("key", stub.url)
    for arguments in ({"event": "E"}, {"user_id": "u"}, {"user_id": "u", "event": 5}):
        with pytest.raises(AssertionError):
            client.track(**arguments)
    with pytest.raises(AssertionError):
        client.page("u", properties=5)
    with pytest.raises(AssertionError):
        compat.Client(None)


def test_modes_send_errors_and_sync(stub: Any) -> None:
    assert compat.Client("key", send=False).track("u", "E")[0] is True
    stub.answers = [401]
    told: list[Any] = []
    client = compat.Client(
        "key", stub.url, sync_mode=True, on_error=lambda e, batch: told.append((e, batch))
    )
    client.track("u", "refused")
    ((error, batch),) = told
    assert "401" in str(error)
    assert batch[0]["event"] == "refused"
    client.track("u", "E")
    assert stub.names == ["E"]
    client.join()
    full = compat.Client("key", stub.url, max_queue_size=1, upload_interval=60)
    assert [full.track("u", "E")[0] for _ in range(2)] == [True, False]
    full.shutdown()


def test_a_proxy_is_used(stub: Any) -> None:
    client = compat.Client("key", "http://data.plane:1234/x", proxies={"http": stub.url})
    client.track("u", "E")
    client.shutdown()
    assert stub.requests[0]["line"] == "POST http://data.plane:1234/x/v1/batch HTTP/1.1"
