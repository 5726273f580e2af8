"""What the operator decides about the console."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConsoleSettings:
    """Who gets in, and what the pages say about this server.

    `open_access`: no login, every caller on loopback is an administrator; only for a server
    that listens on loopback. `proxy_user_header`: a header in which a trusted proxy names the
    signed-in user; whoever can reach the server past the proxy can forge it. Such a user has
    the role of the account of that name, else `proxy_role`. `data_plane_url`: the URL that
    SDKs send to, for the snippets; empty: the URL of the request.
    `signed_in_for_s`: how long a login lasts, seconds.
    """

    open_access: bool = False
    proxy_user_header: str = ""
    proxy_role: str = "viewer"
    data_plane_url: str = ""
    signed_in_for_s: int = 14 * 86_400
    live_interval_s: float = 2.0
