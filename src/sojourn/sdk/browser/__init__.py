"""Python in a browser (Pyodide): `fetch` in the place of threads, the page's cookies as store.

On a page the client shares identity and session with the JavaScript SDK: same cookies, same
encoding. In a worker there is no page: identity and session live in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from sojourn.sdk.browser.dispatcher import PageDispatcher
from sojourn.sdk.browser.outbox import PageOutbox
from sojourn.sdk.browser.page import Page, has_page
from sojourn.sdk.browser.store import CookieStore
from sojourn.sdk.courier import Courier, DeliveryError
from sojourn.sdk.stores import MemoryStore

if TYPE_CHECKING:
    from sojourn.core.ports import Clock
    from sojourn.sdk.options import Delivery, QueueLimits
    from sojourn.sdk.runtime import PageInfo
    from sojourn.sdk.stores import Storage


class Browser(NamedTuple):
    """The parts of a client that are other ones in a browser."""

    store: Storage
    dispatcher: PageDispatcher
    info: Optional[PageInfo]


def assemble(
    write_key: str,
    data_plane_url: str,
    queue: QueueLimits,
    delivery: Delivery,
    clock: Clock,
    on_error: Callable[[DeliveryError], Any],
    storage: Union[Storage, str, os.PathLike[str], None],
) -> Browser:
    """Put the parts together. A folder as `storage` means nothing here."""
    page = Page() if has_page() else None
    store: Storage
    if storage is not None and not isinstance(storage, (str, os.PathLike)):
        store = storage
    else:
        store = CookieStore() if page is not None else MemoryStore()
    plain = delivery._replace(gzip=False)  # the header would need a leave of the data plane (CORS)
    dispatcher = PageDispatcher(
        PageOutbox(queue, delivery.batch),
        plain,
        Courier(write_key, plain, clock),
        data_plane_url.rstrip("/"),
        write_key,
        on_error,
    )
    return Browser(store, dispatcher, page)
