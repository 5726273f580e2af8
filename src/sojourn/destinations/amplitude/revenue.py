"""How one track with revenue becomes several Amplitude events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sojourn.destinations.amplitude.fields import REVENUE
from sojourn.destinations.values import child, text, truthy

_MOVED = ("price", "product_id", "quantity", "revenue")
"""Properties that leave `event_properties` once they stand at the root."""


@dataclass(frozen=True, slots=True)
class Part:
    """One Amplitude event of a track."""

    name: Any
    properties: Any
    insert_id: Any
    revenue: bool = False
    """It carries price, quantity and revenue at its root."""


def parts(
    event: Mapping[str, Any], per_product: bool | None, products_once: bool | None
) -> Iterator[Part]:
    """The Amplitude events of one track: the event itself, and perhaps one per product.

    `per_product` and `products_once` are the settings `trackRevenuePerProduct` and
    `trackProductsOnce`; unset (None) is not the same as false.
    """
    properties = event.get("properties")
    insert_id = event.get("messageId")
    if child(properties, "revenue") is None:
        yield Part(event.get("event"), properties, insert_id)
        return
    products = child(properties, "products")
    listed = products if isinstance(products, list) else []
    own = properties
    if listed and products_once is False and isinstance(properties, dict):
        own = {key: value for key, value in properties.items() if key != "products"}
    yield Part(event.get("event"), own, insert_id, not listed or per_product is False)
    if per_product is True or products_once is False:
        for count, product in enumerate(listed, 1):
            name = f"{text(event.get('messageId', 'undefined'))}-{count}"
            yield Part("Product Purchased", product, name, per_product is True)


def typed_fields(part: Part, out: dict[str, Any]) -> None:
    """Write the revenue fields of an event whose revenue has a type; traits may override them."""
    properties = part.properties
    if child(properties, "revenue") is not None and child(properties, "revenue_type") is not None:
        for target, key in REVENUE.items():
            out[target] = child(properties, key)


def root_fields(part: Part, out: dict[str, Any]) -> Any:
    """Write what an event that carries revenue has at its root into `out`.

    Returns the event properties that remain.
    """
    properties = part.properties
    if not part.revenue:
        return properties
    price, revenue = child(properties, "price"), child(properties, "revenue")
    quantity: Any = 1
    if price is None:
        price = revenue
    elif truthy(child(properties, "quantity")):
        quantity = child(properties, "quantity")
    kinds = (child(properties, "revenueType"), child(properties, "revenue_type"))
    out["productId"] = child(properties, "product_id")
    out["revenueType"] = next((kind for kind in kinds if truthy(kind)), "Purchased")
    out["price"], out["quantity"], out["revenue"] = price, quantity, revenue
    if isinstance(properties, dict):
        return {key: value for key, value in properties.items() if key not in _MOVED}
    return properties
