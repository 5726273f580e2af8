"""Events as the processor wrote them, to columns: one pass of plain Python, then Arrow.

What repeats (pages, devices) goes through caches and travels as dictionaries, so an event costs
some microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

from sojourn.insights import measures
from sojourn.insights.devices import DEVICE_COLUMNS, device_key, device_of, raw_device
from sojourn.insights.measures import text_of
from sojourn.insights.names import meaning, plain
from sojourn.insights.places import Place, Places
from sojourn.insights.session_ids import ABSENT, session_ref

LONGEST_PROPERTIES = 8192
_encode = msgspec.json.Encoder().encode
_EMPTY: dict[str, Any] = {}

_DIRECT: tuple[tuple[str, Any], ...] = (
    ("message_id", pa.string()),
    ("visitor_id", pa.string()),
    ("anonymous_id", pa.string()),
    ("user_id", pa.string()),
    ("type", pa.string()),
    ("name", pa.string()),
    ("timestamp", pa.string()),
    ("received", pa.string()),
    ("sent", pa.string()),
    ("original", pa.string()),
    ("sdk_session_id", pa.string()),
    ("sdk_session_start", pa.bool_()),
    ("sdk_session_no", pa.int64()),
    ("id_fault", pa.string()),
    ("is_view", pa.bool_()),
    ("is_activity", pa.bool_()),
    ("is_conversion", pa.bool_()),
    ("is_click", pa.bool_()),
    ("is_error", pa.bool_()),
    ("is_fatal", pa.bool_()),
    ("engaged_ms", pa.int64()),
    ("target", pa.string()),
    ("revenue", pa.float64()),
    ("node", pa.string()),
    ("title", pa.string()),
    ("properties", pa.string()),
)
_VIEWS = frozenset(("page", "screen"))


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


class Extractor:
    """Turns decoded events of a source into an Arrow table, one row per event, in their order."""

    def __init__(self, places: Places, conversions: Iterable[str]) -> None:
        self._places = places
        self._conversions = frozenset(plain(name) for name in conversions)
        self._meaning = lru_cache(65536)(self._judge)

    def table(self, events: Sequence[Mapping[str, Any]], platform: str) -> pa.Table:
        """The columns of `session_events` that follow from each event alone.

        Times are text here (`timestamp`, `received`, `sent`, `original`), as the event has them.
        `platform` is the source's, for events that do not tell theirs.
        """
        rows: list[tuple[Any, ...]] = []
        places, devices = _Numbers(page_key), _Numbers(device_key)
        place_numbers: list[int] = []
        device_numbers: list[int] = []
        for event in events:
            context = event.get("context")
            if type(context) is not dict:
                context = _EMPTY
            kind = event.get("type")
            if type(kind) is not str:
                kind = "unknown"
            properties = event.get("traits" if kind == "identify" else "properties")
            if type(properties) is not dict:
                properties = _EMPTY
            page = context.get("page")
            if type(page) is not dict:
                page = _EMPTY
            raw = _raw_page(kind, context, page, properties)
            place_numbers.append(places.of(raw))
            device_numbers.append(devices.of(raw_device(event, context)))
            rows.append(self._row(event, kind, context, properties, page))
        columns = zip(*rows, strict=True) if rows else [()] * len(_DIRECT)
        arrays = {
            name: _array(column, arrow)
            for (name, arrow), column in zip(_DIRECT, columns, strict=True)
        }
        known_places = [self._places.place(*key) for key in places.keys_in_order]
        arrays |= _dictionaries(Place._fields, known_places, place_numbers)
        known_devices = [device_of(key, platform) for key in devices.keys_in_order]
        arrays |= _dictionaries(DEVICE_COLUMNS, known_devices, device_numbers)
        return pa.table(arrays)

    def _row(
        self,
        event: Mapping[str, Any],
        kind: str,
        context: Mapping[str, Any],
        properties: Mapping[str, Any],
        page: Mapping[str, Any],
    ) -> tuple[Any, ...]:
        get = event.get
        anonymous_id = text_of(get("anonymousId"))
        user_id = text_of(get("userId"))
        message_id = text_of(get("messageId")) or ""
        ref = session_ref(context["sessionId"]) if "sessionId" in context else ABSENT
        view, track = kind in _VIEWS, kind == "track"
        name = text_of(get("event" if track else "name"))
        if view and name is None:
            name = text_of(properties.get("name"))
        node = name
        if kind == "page":
            node = None if _has_place(page, properties) else name
        elif name and view:
            node = self._places.screen(name)
        click, error, fatal, conversion = self._meaning(name) if name and track else _NO_MEANING
        engaged = target = revenue = None
        if not measures.MEASURES.isdisjoint(properties):
            target = measures.target(properties)
            if track:
                engaged, revenue = measures.engaged(properties), measures.revenue(properties)
        return (
            message_id,
            anonymous_id or (f"user:{user_id}" if user_id else f"event:{message_id}"),
            anonymous_id,
            user_id,
            kind,
            name,
            get("timestamp"),
            get("receivedAt"),
            get("sentAt"),
            get("originalTimestamp"),
            ref.sent,
            _flag(context.get("sessionStart")),
            ref.number,
            ref.fault,
            view,
            properties.get("nonInteraction") is not True,
            conversion,
            click,
            error,
            fatal or (error and properties.get("fatal") is True),
            engaged,
            target,
            revenue,
            node,
            text_of(properties.get("title")) or text_of(page.get("title")),
            _properties(properties) if properties else None,
        )

    def _judge(self, name: str) -> tuple[bool, bool, bool, bool]:
        """Whether a call of `track` with that name is a click, an error, a crash, a conversion."""
        return (*meaning(name), plain(name) in self._conversions)


_NO_MEANING = (False, False, False, False)


def _raw_page(
    kind: str, context: Mapping[str, Any], page: Mapping[str, Any], properties: Mapping[str, Any]
) -> tuple[Any, ...]:
    """The arguments of `page_key`, as the event has them."""
    campaign = context.get("campaign")
    own = properties.get if kind == "page" else _EMPTY.get
    get = campaign.get if type(campaign) is dict else _EMPTY.get
    seen = page.get
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


def _has_place(page: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    return any(text_of(of.get(name)) for of in (page, properties) for name in ("url", "path"))


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


def _flag(value: Any) -> bool | None:
    return value if type(value) is bool else None


def _properties(properties: Mapping[str, Any]) -> str | None:
    """JSON text, or the part of it that fits where it is long."""
    try:
        text = _encode(properties).decode("utf-8", "replace")
    except (UnicodeEncodeError, RecursionError, ValueError):
        return None
    return text if len(text) <= LONGEST_PROPERTIES else text[:LONGEST_PROPERTIES]


def _clean(value: Any) -> Any:
    """A text without what UTF-8 cannot hold (lone surrogates)."""
    return value.encode("utf-8", "replace").decode("utf-8") if type(value) is str else value


def _array(values: Sequence[Any], arrow: Any) -> Any:
    try:
        return pa.array(values, arrow)
    except (UnicodeEncodeError, pa.ArrowTypeError, pa.ArrowInvalid):
        kept = [_clean(value if arrow != pa.string() else text_of(value)) for value in values]
        return pa.array(kept, arrow)


def _dictionaries(
    names: Sequence[str], values: Sequence[Sequence[Any]], numbers: Sequence[int]
) -> dict[str, Any]:
    indices = pa.array(numbers, pa.int32())
    columns = zip(*values, strict=True) if values else [()] * len(names)
    return {
        name: pa.DictionaryArray.from_arrays(indices, _array(column, pa.string()))
        for name, column in zip(names, columns, strict=True)
    }
