"""One visit as a list of acts: what a person looks at, clicks, buys, and where they give up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sojourn.testing.visitors.people import Person
from sojourn.testing.visitors.shop import ARTICLES, CATEGORIES, PRODUCTS, QUERIES, Origin, Product


@dataclass(frozen=True)
class Act:
    """One call of the SDK. `after_ms`: since the act before.

    `kind`: `view` (page on the web, screen in an app), `track`, `identify`, `group`, `reset`.
    `path` and `query` are the address of a view; `name` is its name, or that of the event.
    """

    after_ms: int
    kind: str
    name: str = ""
    path: str = ""
    query: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


Chance = Callable[[str], float]
"""For a step of the way to an order: the share of people who may go on, 1 without an incident."""

GOING_ON: Final = {
    "Product Viewed": 0.88,
    "Product Added": 0.5,
    "Checkout Started": 0.62,
    "Payment Info Entered": 0.8,
    "Order Completed": 0.87,
}
"""How likely the average person is to take each step, once they are at the one before."""

PAY_BUTTON: Final = "#continue-to-payment"


class Visit:
    """Plays one visit of one person; iterate `acts()` once."""

    def __init__(self, rng: random.Random, person: Person, origin: Origin, chance: Chance) -> None:
        self._rng = rng
        self._person = person
        self._origin = origin
        self._chance = chance
        self._cart: list[Product] = []

    def acts(self) -> Iterator[Act]:
        """The acts in order, the first one a view of the landing page."""
        rng = self._rng
        yield from self._landing()
        if rng.random() < self._origin.bounce:
            return
        if rng.random() < 0.03:
            # Called away, and back when the session is over.
            yield self._view("Home", "/", after_ms=rng.randrange(31, 90) * 60_000)
        yield from self._browse()
        if self._cart:
            yield from self._check_out()
        if self._person.account and rng.random() < 0.04:
            yield Act(self._pause(4), "reset")
            yield self._view("Home", "/", after_ms=300)

    def _goes_on(self, step: str) -> bool:
        likely = min(0.97, GOING_ON[step] * self._person.keen)
        return self._rng.random() < likely * self._chance(step)

    def _pause(self, median_s: float) -> int:
        return int(min(600.0, median_s * self._rng.lognormvariate(0, 0.7)) * 1000) + 120

    def _view(self, name: str, path: str, query: str = "", after_ms: int = 0) -> Act:
        return Act(after_ms or self._pause(14), "view", name, path, query)

    def _track(self, name: str, median_s: float, /, **properties: Any) -> Act:
        return Act(self._pause(median_s), "track", name, properties=properties)

    def _landing(self) -> Iterator[Act]:
        rng, query = self._rng, self._origin.query
        where = rng.choices(("home", "category", "product", "article"), (40, 25, 25, 10))[0]
        if where == "home":
            yield self._view("Home", "/", query, after_ms=1)
        elif where == "category":
            category = rng.choice(CATEGORIES)
            yield self._view("Category", f"/c/{category}", query, after_ms=1)
        elif where == "article":
            yield self._view("Article", f"/blog/{rng.choice(ARTICLES)}", query, after_ms=1)
        else:
            yield from self._product(rng.choice(PRODUCTS), query, after_ms=1)

    def _product(self, product: Product, query: str = "", after_ms: int = 0) -> Iterator[Act]:
        facts = product_properties(product)
        yield self._view("Product", f"/p/{product.number}", query, after_ms)
        yield Act(150, "track", "Product Viewed", properties=facts)

    def _browse(self) -> Iterator[Act]:
        rng = self._rng
        category = rng.choice(CATEGORIES)
        for _ in range(rng.choices((1, 2, 3, 4), (35, 35, 20, 10))[0]):
            if rng.random() < 0.22:
                yield from self._search()
            elif rng.random() < 0.5:
                category = rng.choice(CATEGORIES)
                yield self._view("Category", f"/c/{category}")
            if self._goes_on("Product Viewed"):
                product = rng.choice([one for one in PRODUCTS if one.category == category])
                yield from self._product(product)
                if not self._cart and self._goes_on("Product Added"):
                    self._cart.append(product)
                    facts = product_properties(product) | {"quantity": 1}
                    yield self._track("Product Added", 12, **facts)
        yield from self._everyday_friction()

    def _search(self) -> Iterator[Act]:
        query = self._rng.choice(QUERIES)
        yield self._view("Search", "/search", f"?q={query.replace(' ', '+')}")
        results = 0 if query == "gift card" else self._rng.randrange(1, 9)
        yield self._track("Products Searched", 1, query=query, results=results)

    def _everyday_friction(self) -> Iterator[Act]:
        if self._rng.random() < 0.02:
            yield from self.rage("#filter-size")
        if self._rng.random() < 0.06:
            yield self._track("Element Clicked", 6, element="#size-guide")
        if self._rng.random() < 0.02:
            yield self._track("Error Occurred", 2, message="Image could not be loaded", fatal=False)
        if self._rng.random() < 0.04:
            yield self._view("Help", "/help")
            yield self._view("Home", "/", after_ms=2_500)

    def rage(self, target: str) -> Iterator[Act]:
        """Four quick clicks on something that does not answer."""
        for after_ms in (900, 310, 280, 350):
            yield Act(after_ms, "track", "Element Clicked", properties={"element": target})

    def _check_out(self) -> Iterator[Act]:
        yield self._view("Cart", "/cart", after_ms=self._pause(8))
        if not self._goes_on("Checkout Started"):
            return
        yield from self._sign_in()
        total = round(sum(product.price for product in self._cart), 2)
        facts = {"value": total, "currency": "EUR", "products": len(self._cart)}
        yield self._view("Checkout", "/checkout", after_ms=self._pause(9))
        yield Act(200, "track", "Checkout Started", properties=facts)
        if not self._goes_on("Payment Info Entered"):
            yield from self._stuck()
            return
        yield self._view("Payment", "/checkout/payment", after_ms=self._pause(25))
        method = self._rng.choice(("card", "paypal", "invoice"))
        yield self._track("Payment Info Entered", 35, payment_method=method)
        if not self._goes_on("Order Completed"):
            return
        order = f"O-{self._rng.randrange(10**6):06d}"
        yield self._view("Thanks", "/checkout/thanks", after_ms=self._pause(12))
        bought = {"order_id": order, "revenue": total, "shipping": 4.9, "currency": "EUR"}
        goods = [product_properties(product) for product in self._cart]
        yield Act(180, "track", "Order Completed", properties=bought | {"products": goods})

    def _sign_in(self) -> Iterator[Act]:
        person = self._person
        if person.account:
            traits = {"email": f"{person.account}@mail.example", "country": person.country}
            yield Act(self._pause(15), "identify", person.account, properties=traits)
            if person.company:
                yield Act(60, "group", person.company, properties={"plan": "business"})

    def _stuck(self) -> Iterator[Act]:
        """Giving up before payment: quietly, or, where something is broken, not quietly."""
        broken = self._chance("Payment Info Entered") < 1
        if broken and self._rng.random() < 0.45:
            yield self._track("Element Clicked", 20, element=PAY_BUTTON)
            error = "TypeError: undefined is not an object (evaluating 'sheet.methods')"
            yield Act(90, "track", "Error Occurred", properties={"message": error, "fatal": False})
            if self._rng.random() < 0.6:
                yield from self.rage(PAY_BUTTON)


def product_properties(product: Product) -> dict[str, Any]:
    """A product as the e-commerce events carry it."""
    return {
        "product_id": str(product.number),
        "name": product.name,
        "category": product.category,
        "price": product.price,
        "currency": "EUR",
    }
