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
from msgspec import UNSET

from sojourn.insights import measures
from sojourn.insights.devices import DEVICE_COLUMNS, device_of
from sojourn.insights.measures import text_of
from sojourn.insights.names import meaning, plain
from sojourn.insights.numbering import PlaceAndDevice
from sojourn.insights.places import Place, Places
from sojourn.insights.reading import (
    NO_CONTEXT,
    NO_PAGE,
    Event,
    Page,
    read_line,
    read_mapping,
)
from sojourn.insights.session_ids import ABSENT, known_ref

LONGEST_PROPERTIES = 8192
BATCH = 16_384
"""Events whose rows are in memory at a time, and that DuckDB's threads take at a time."""
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


class Extractor:
    """Turns events of a source into an Arrow table, one row per event, in their order."""

    def __init__(self, places: Places, conversions: Iterable[str]) -> None:
        self._places = places
        self._conversions = frozenset(plain(name) for name in conversions)
        self._meaning = lru_cache(65536)(self._judge)

    def table(self, events: Sequence[Mapping[str, Any]], platform: str) -> pa.Table:
        """The columns of `session_events` that follow from each event alone, in chunks of `BATCH`.

        Times are text here (`timestamp`, `received`, `sent`, `original`), as the event has them.
        `platform` is the source's, for events that do not tell theirs. Where `events` have their
        JSON text beside them, as `lines`, that is read, and nothing more of it than is needed.
        """
        lines: Sequence[bytes] | None = getattr(events, "lines", None)
        given: Sequence[Any] = events if lines is None else lines
        read, whole = (read_mapping, dict) if lines is None else (read_line, msgspec.json.decode)
        numbers = PlaceAndDevice()
        parts: list[list[Any]] = []
        for start in range(0, max(len(given), 1), BATCH):
            rows = [
                self._row(_event(one, read, whole, numbers)) for one in given[start : start + BATCH]
            ]
            columns = zip(*rows, strict=True) if rows else [()] * len(_DIRECT)
            parts.append([
                _array(column, arrow) for (_, arrow), column in zip(_DIRECT, columns, strict=True)
            ])  # fmt: skip
        arrays = {
            name: pa.chunked_array(chunks)
            for (name, _), chunks in zip(_DIRECT, zip(*parts, strict=True), strict=True)
        }
        known_places = [self._places.place(*key) for key in numbers.places.keys_in_order]
        arrays |= _dictionaries(Place._fields, known_places, numbers.of_place)
        known_devices = [device_of(key, platform) for key in numbers.devices.keys_in_order]
        arrays |= _dictionaries(DEVICE_COLUMNS, known_devices, numbers.of_device)
        return pa.table(arrays)

    def _row(self, event: Event) -> tuple[Any, ...]:
        kind, context = event.type, event.context or NO_CONTEXT
        page = context.page or NO_PAGE
        properties = event.traits if kind == "identify" else event.properties
        if type(properties) is not dict:
            properties = _EMPTY
        anonymous_id, user_id = event.anonymous_id or None, event.user_id or None
        message_id = event.message_id or ""
        session_id = context.session_id
        ref = ABSENT if session_id is UNSET else known_ref(session_id)
        view, track = kind in _VIEWS, kind == "track"
        name = (event.event if track else event.name) or None
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
            event.timestamp,
            event.received_at,
            event.sent_at,
            event.original_timestamp,
            ref.sent,
            context.session_start,
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
            text_of(properties.get("title")) or page.title or None,
            _properties(properties) if properties else None,
        )

    def _judge(self, name: str) -> tuple[bool, bool, bool, bool]:
        """Whether a call of `track` with that name is a click, an error, a crash, a conversion."""
        return (*meaning(name), plain(name) in self._conversions)


_NO_MEANING = (False, False, False, False)


def _event(
    one: Any,
    read: Callable[[Any], Event],
    whole: Callable[[Any], Mapping[str, Any]],
    numbers: PlaceAndDevice,
) -> Event:
    """An event as it is read; its place and device are noted in `numbers`."""
    try:
        event = read(one)
    except msgspec.ValidationError:
        return numbers.note_unsound(whole(one))
    numbers.note(event, one, whole)
    return event


def _has_place(page: Page, properties: Mapping[str, Any]) -> bool:
    own = properties.get
    return bool(page.url or page.path or text_of(own("url")) or text_of(own("path")))


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
