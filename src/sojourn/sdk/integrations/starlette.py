"""Starlette and FastAPI: `app.add_middleware(Middleware, client=client)`."""

from __future__ import annotations

from sojourn.sdk.integrations.asgi import Middleware

__all__ = ["Middleware"]
