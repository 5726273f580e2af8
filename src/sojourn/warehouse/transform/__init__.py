"""Events to the rows of warehouse tables, by the rules of RudderStack's warehouses.

`Transformer(provider, options).rows(event, origin)` gives the rows of an event; `evolve` what
an upload changes in the warehouse's tables; `cast` what becomes of a value in a column of
another type.
"""

from sojourn.warehouse.transform.casting import Cast, cast
from sojourn.warehouse.transform.errors import UnusableEvent
from sojourn.warehouse.transform.evolution import DISCARDS_TABLE, TableChange, evolve
from sojourn.warehouse.transform.model import Origin, Row
from sojourn.warehouse.transform.providers import PROVIDERS, Provider
from sojourn.warehouse.transform.rows import Transformer

__all__ = [
    "DISCARDS_TABLE",
    "PROVIDERS",
    "Cast",
    "Origin",
    "Provider",
    "Row",
    "TableChange",
    "Transformer",
    "UnusableEvent",
    "cast",
    "evolve",
]
