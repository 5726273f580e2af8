"""Tables that RudderStack wrote, read back as events: history for a new Sojourn.

`open_history(address)` gives a `History`; its `tables` say what there is, `events` gives the
events in the order of their receipt.
"""

from sojourn.warehouse.history.reading import History, HistoryEvent, Position, open_history
from sojourn.warehouse.history.tables import Counted, HistoryTable

__all__ = ["Counted", "History", "HistoryEvent", "HistoryTable", "Position", "open_history"]
