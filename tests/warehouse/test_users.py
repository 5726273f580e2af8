"""`users` is what `identifies` say, however they came."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

identifies = st.lists(
    st.tuples(
        st.integers(0, 9),  # when it was received
        st.sampled_from(["ann", "bob", ""]),
        st.dictionaries(st.sampled_from(["plan", "city", "age"]), st.sampled_from(["", "a", "b"])),
    ),
    min_size=1,
    max_size=12,
)


@given(identifies, st.lists(st.integers(0, 11), max_size=4), st.randoms())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_newest_value_of_each_trait_is_kept_in_any_order(
    new_warehouse: Any, given_identifies: Any, repeated: list[int], random: Any
) -> None:
    events = [
        {
            "type": "identify",
            "messageId": f"m{number}",
            "userId": user,
            "traits": traits,
            "context": {},
            "receivedAt": f"2026-11-24T09:30:0{second}.000Z",
        }
        for number, (second, user, traits) in enumerate(given_identifies)
    ]
    expected: dict[str, dict[str, str]] = {}
    for event in sorted(events, key=lambda one: (one["receivedAt"], one["messageId"])):
        if event["userId"]:
            known = expected.setdefault(event["userId"], {})
            known |= {name: value for name, value in event["traits"].items() if value}
    warehouse = new_warehouse()
    # Columns are there from the start, so that they can be asked for.
    traits = {"plan": "x", "city": "x", "age": "x"}
    warehouse.add({**events[0], "messageId": "first", "userId": "zoe", "traits": traits})
    sent = events + [events[number] for number in repeated if number < len(events)]
    random.shuffle(sent)
    while sent:
        some = random.randint(1, 5)
        warehouse.add(*sent[:some])
        sent = sent[some:]
    found = warehouse.rows("SELECT id, plan, city, age FROM web_shop.users WHERE id <> 'zoe'")
    warehouse.close()
    assert {
        user: {k: v for k, v in zip(traits, row, strict=True) if v} for user, *row in found
    } == (expected)
