"""Events' places and devices as numbers: what repeats is worked out once, and travels once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sojourn.insights.devices import device_key, raw_device
from sojourn.insights.measures import text_of
from sojourn.insights.reading import NO_CONTEXT, Event, device_facts, sound

_EMPTY: dict[str, Any] = {}
_SIMPLE = frozenset((str, type(None)))


class _Numbers(dict[tuple[Any, ...], int]):
    """Numbers for the keys that raw values stand for: what was seen before costs one look.

    Only texts and None are remembered as they came: of other values, different ones can be equal.
    """

    def __init__(self, clean: Callable[..., Any]) -> None:
        super().__init__()
        self._clean = clean
        self.keys_in_order: dict[Any, int] = {}

    def __missing__(self, raw: tuple[Any, ...]) -> int:
        known = self.keys_in_order
        number = known.setdefault(self._clean(*raw), len(known))
        if all(value is None or type(value) is str for value in raw):
            self[raw] = number
        return number

    def of(self, raw: tuple[Any, ...]) -> int:
        """The number of the key."""
        try:
            return self[raw]
        except TypeError:  # a list or an object where a text belongs
            return self.__missing__(raw)


class PlaceAndDevice:
    """Each event's numbers of place and device: seldom more than a look at what was there before.

    What sound events have is compared as it was read; what they stand for follows from the whole.
    """

    def __init__(self) -> None:
        self.places, self.devices = _Numbers(page_key), _Numbers(device_key)
        self.of_place: list[int] = []
        self.of_device: list[int] = []
        self._places: dict[Any, int] = {}
        self._devices: dict[Any, int] = {}

    def note(self, event: Event, one: Any, whole: Callable[[Any], Mapping[str, Any]]) -> None:
        """A sound event, read from `one`; `whole` gives all of it."""
        context = event.context or NO_CONTEXT
        device = (event.channel, device_facts(context))
        place: tuple[Any, ...] = (context.page, context.campaign)
        if event.type == "page" and type(event.properties) is dict:
            own = event.properties.get
            place = (*place, own("url"), own("path"), own("referrer"))
            if not _SIMPLE.issuperset(map(type, place[2:])):
                self.note_unsound(whole(one))
                return
        number = self._devices.get(device)
        if number is None:
            found = whole(one)
            number = self.devices.of(raw_device(found, _object(found, "context")))
            self._devices[device] = number
        self.of_device.append(number)
        number = self._places.get(place)
        if number is None:
            number = self._places[place] = self.places.of(_raw_page(whole(one)))
        self.of_place.append(number)

    def note_unsound(self, event: Mapping[str, Any]) -> Event:
        """An event of any shape; returns it as `sound` makes it."""
        context = _object(event, "context")
        self.of_place.append(self.places.of(_raw_page(event)))
        self.of_device.append(self.devices.of(raw_device(event, context)))
        return sound(event, context, _object(context, "page"))


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if type(found) is dict else _EMPTY


def _raw_page(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments of `page_key`, as the event has them."""
    context = _object(event, "context")
    own = _object(event, "properties").get if event.get("type") == "page" else _EMPTY.get
    get, seen = _object(context, "campaign").get, _object(context, "page").get
    return (
        own("url"),
        seen("url"),
        own("path"),
        seen("path"),
        own("referrer"),
        seen("referrer"),
        get("source"),
        get("medium"),
        get("name"),
        get("term"),
        get("content"),
    )


def page_key(
    own_url: Any,
    url: Any,
    own_path: Any,
    path: Any,
    own_referrer: Any,
    referrer: Any,
    *campaign: Any,
) -> tuple[str, str, str, tuple[str, ...]]:
    """What tells one place from another: url, path, referrer, campaign; '' where unknown.

    `own_…` are properties of a page call, which go before what the context says.
    """
    return (
        text_of(own_url) or text_of(url) or "",
        text_of(own_path) or text_of(path) or "",
        text_of(own_referrer) or text_of(referrer) or "",
        tuple(text_of(value) or "" for value in campaign),
    )
