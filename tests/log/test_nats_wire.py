"""How entries lie in JetStream messages, and how positions move."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import InvalidSettings
from sojourn.log.jetstream.position import Position
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.jetstream.wire import before, blocks, offset_of, pack, sequence_of, unpack

VALUES = st.dictionaries(st.integers(0, 9), st.lists(st.binary(max_size=9), min_size=1))


@given(VALUES, st.integers(1, 2**35))
def test_values_come_out_as_they_went_in(values: dict[int, list[bytes]], sequence: int) -> None:
    header, body = pack(values)
    entries = unpack(header, body, sequence, 7) if values else []
    found: dict[int, list[bytes]] = {}
    for entry in entries:
        found.setdefault(entry.partition, []).append(entry.value)
        assert sequence_of(entry.offset) == sequence
        assert entry.appended_at == 7
    assert found == values
    offsets = [entry.offset for entry in entries]
    assert offsets == sorted(set(offsets))
    assert all(before(sequence) < offset < offset_of(sequence + 1, 0) for offset in offsets)


@pytest.mark.parametrize("body", [b"\0\0\0\3ab", b"\0\0\0\1ab", b"\0\0", b""])
def test_a_body_that_is_not_what_its_header_says_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="header"):
        unpack("0:1", body, 1, 0)


MESSAGES = st.lists(
    st.dictionaries(st.integers(0, 3), st.integers(1, 3), min_size=1), min_size=1, max_size=12
)


@settings(max_examples=50)
@given(MESSAGES, st.data())
def test_a_position_is_exactly_what_was_committed(
    messages: list[dict[int, int]], data: st.DataObject
) -> None:
    """Against a plain model: by partition, the offsets that are not committed."""
    headers = {
        number: ",".join(f"{p}:{n}" for p, n in message.items())
        for number, message in enumerate(messages, 1)
    }
    offsets = [
        (partition, offset_of(number, index))
        for number, header in headers.items()
        for partition, first, count in blocks(header)
        for index in range(first, first + count)
    ]
    position = Position(before(1))
    returned: dict[int, int] = {}
    model: dict[int, int] = {}
    done = 0
    while done < len(offsets):
        upto = data.draw(st.integers(done + 1, len(offsets)))
        returned |= dict(offsets[done:upto])
        done = upto
        committed = data.draw(st.dictionaries(st.sampled_from(sorted(returned)), st.just(None)))
        chosen = {
            partition: data.draw(st.sampled_from([o for p, o in offsets[:done] if p == partition]))
            for partition in committed
        }
        position = position.advanced(chosen, returned, offsets[done - 1][1])
        position = Position.unpack(position.pack())
        for partition, offset in chosen.items():
            model[partition] = max(offset, model.get(partition, 0))
        left = [(p, o) for p, o in offsets if o > model.get(p, 0)]
        assert [(p, o) for p, o in offsets if o > position.of(p)] == left
        assert sum(position.left_in(h, n) for n, h in headers.items()) == len(left)
        if left:
            assert position.lowest < min(o for _, o in left)


def test_a_quiet_partition_moves_on_with_the_others() -> None:
    start = Position(before(1), {3: offset_of(1, 0)})
    moved = start.advanced({0: offset_of(900, 4)}, {0: offset_of(900, 4)}, before(901))
    assert moved == Position(before(901))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://x", "nats://host:4222"),
        ("nats://", "nats://host:4222"),
        ("nats.example:4222", "nats://host:4222"),
        ("nats://u:geheim@host:4222", "nats_password"),
        ("nats://host/Uh.Oh", "small letters"),
    ],
)
def test_a_wrong_url_is_refused_with_the_fix_and_without_the_secret(url: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said) as refused:
        NatsServer.of(url)
    assert "geheim" not in str(refused.value)


def test_a_url_names_hosts_and_the_log() -> None:
    server = NatsServer.of("tls://a:4222,b:4223/shop", password="geheim")
    assert server.hosts == ("a:4222", "b:4223")
    assert server.stream("raw") == "shop_raw"
    assert server.connect_options()["servers"] == ["tls://a:4222", "tls://b:4223"]
    assert server.url == "tls://a:4222,b:4223/shop"
    assert NatsServer.of("nats://a").name == "sojourn"


def test_a_file_of_certificates_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidSettings, match=r"nats_ca is '/no/ca\.pem'"):
        NatsServer.of("tls://a", ca="/no/ca.pem").connect_options()
