"""Flask: `init_app(app, client)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sojourn.sdk.integrations.request import Joining
from sojourn.sdk.integrations.wsgi import Middleware

if TYPE_CHECKING:
    from sojourn.sdk.client import Client


def init_app(app: Any, client: Client, joining: Joining = Joining()) -> None:  # noqa: B008
    """Join the requests of a Flask application. The client is `app.extensions["sojourn"]` then."""
    app.wsgi_app = Middleware(app.wsgi_app, client, joining)
    app.extensions["sojourn"] = client
