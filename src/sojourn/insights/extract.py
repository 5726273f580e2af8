"""Events as the processor wrote them, to columns: one pass of plain Python, then Arrow.

What repeats (pages, devices) goes through caches and travels as dictionaries, so an event costs
some microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from sojourn.insights.devices import DEVICE_COLUMNS, device_key, device_of
from sojourn.insights.names import meaning, plain
from sojourn.insights.places import Place, Places
from sojourn.insights.session_ids import ABSENT, session_ref

LONGEST_TEXT = 1024
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
_TARGETS = ("target", "selector", "element", "element_id", "form_id", "form", "label", "text")


def text_of(value: Any) -> str | None:
    """A JSON value as bounded text; None for null, the empty text, objects and lists."""
    if type(value) is str:
        return value[:LONGEST_TEXT] if value else None
    if type(value) is int or type(value) is float:
        return repr(value)[:LONGEST_TEXT]
    if value is True or value is False:
        return "true" if value else "false"
    return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else _EMPTY


class Extractor:
    """Turns decoded events of a source into an Arrow table, one row per event, in their order."""

    def __init__(self, places: Places, conversions: Iterable[str]) -> None:
        self._places = places
        self._conversions = frozenset(plain(name) for name in conversions)

    def table(self, events: Sequence[Mapping[str, Any]], platform: str) -> pa.Table:
        """The columns of `session_events` that follow from each event alone.

        Times are text here (`timestamp`, `received`, `sent`, `original`), as the event has them.
        `platform` is the source's, for events that do not tell theirs.
        """
        rows: list[tuple[Any, ...]] = []
        places: dict[Any, int] = {}
        devices: dict[Any, int] = {}
        place_numbers: list[int] = []
        device_numbers: list[int] = []
        for event in events:
            context = _object(event.get("context"))
            kind = event.get("type")
            if type(kind) is not str:
                kind = "unknown"
            properties = _object(event.get("traits" if kind == "identify" else "properties"))
            page = _page_key(kind, context, properties)
            place_numbers.append(places.setdefault(page, len(places)))
            device = device_key(event, context)
            device_numbers.append(devices.setdefault(device, len(devices)))
            rows.append(self._row(event, kind, context, properties, page))
        columns = zip(*rows, strict=True) if rows else [()] * len(_DIRECT)
        arrays = {
            name: _array(column, arrow)
            for (name, arrow), column in zip(_DIRECT, columns, strict=True)
        }
        known_places = [self._places.place(*key) for key in places]
        arrays |= _dictionaries(Place._fields, known_places, place_numbers)
        known_devices = [device_of(key, platform) for key in devices]
        arrays |= _dictionaries(DEVICE_COLUMNS, known_devices, device_numbers)
        return pa.table(arrays)

    def _row(
        self,
        event: Mapping[str, Any],
        kind: str,
        context: Mapping[str, Any],
        properties: Mapping[str, Any],
        page: tuple[str, str, str, Any],
    ) -> tuple[Any, ...]:
        get = event.get
        anonymous_id = text_of(get("anonymousId"))
        user_id = text_of(get("userId"))
        message_id = text_of(get("messageId")) or ""
        ref = session_ref(context["sessionId"]) if "sessionId" in context else ABSENT
        view = kind in _VIEWS
        name = text_of(get("event" if kind == "track" else "name"))
        if view and name is None:
            name = text_of(properties.get("name"))
        node = name
        if kind == "page":
            node = None if page[0] or page[1] else name
        elif name and view:
            node = self._places.screen(name)
        click, error, fatal = meaning(name) if name and kind == "track" else _NO_MEANING
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
            not _flag(properties.get("nonInteraction")),
            kind == "track" and name is not None and plain(name) in self._conversions,
            click,
            error,
            fatal or (error and properties.get("fatal") is True),
            _engaged(properties) if kind == "track" else None,
            _target(properties) if properties else None,
            _revenue(properties) if kind == "track" else None,
            node,
            text_of(properties.get("title")) or text_of(_object(context.get("page")).get("title")),
            _properties(properties),
        )


_NO_MEANING = (False, False, False)


def _page_key(
    kind: str, context: Mapping[str, Any], properties: Mapping[str, Any]
) -> tuple[str, str, str, tuple[str, ...]]:
    """What tells one place from another: url, path, referrer, campaign."""
    page = _object(context.get("page"))
    own = properties if kind == "page" else _EMPTY
    campaign = context.get("campaign")
    return (
        text_of(own.get("url")) or text_of(page.get("url")) or "",
        text_of(own.get("path")) or text_of(page.get("path")) or "",
        text_of(own.get("referrer")) or text_of(page.get("referrer")) or "",
        _campaign(campaign) if campaign else _NO_CAMPAIGN,
    )


_NO_CAMPAIGN = ("", "", "", "", "")


def _campaign(campaign: Any) -> tuple[str, ...]:
    get = _object(campaign).get
    return tuple(text_of(get(key)) or "" for key in ("source", "medium", "name", "term", "content"))


def _flag(value: Any) -> bool | None:
    return value if type(value) is bool else None


def _number(value: Any) -> float | None:
    if type(value) is int or type(value) is float:
        number = float(value) if abs(value) < 1e14 else 0.0
        return number if number == number else None
    if type(value) is str:
        try:
            return _number(float(value[:32]))
        except ValueError:
            return None
    return None


def _engaged(properties: Mapping[str, Any]) -> int | None:
    """Milliseconds that the SDK measured: RudderStack's `visitDuration`, GA4's, seconds on page."""
    for name, unit in (("visitDuration", 1), ("engagement_time_msec", 1), ("time_on_page", 1000)):
        if name in properties:
            number = _number(properties[name])
            if number is not None and number >= 0:
                return int(number * unit)
    return None


def _target(properties: Mapping[str, Any]) -> str | None:
    for name in _TARGETS:
        if name in properties:
            return text_of(properties[name])
    return None


def _revenue(properties: Mapping[str, Any]) -> float | None:
    for name in ("revenue", "total", "value"):
        if name in properties:
            return _number(properties[name])
    return None


def _properties(properties: Mapping[str, Any]) -> str | None:
    """JSON text, or the part of it that fits where it is long."""
    if not properties:
        return None
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
