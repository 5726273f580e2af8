"""`sojourn send`: one event from the shell, by the Python SDK."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sojourn.app.data_directory import DataDirectory
from sojourn.cli.options import Config, DataDir, read_configuration
from sojourn.cli.output import console
from sojourn.core.errors import InvalidSettings, Transient


class NotSent(Transient):
    """The event was not taken by the server."""


class Call(StrEnum):
    """The calls that make sense from a shell."""

    track = "track"
    page = "page"
    screen = "screen"
    identify = "identify"
    group = "group"
    alias = "alias"


def send(
    call: Annotated[Call, typer.Argument(help="What kind of event.")],
    name: Annotated[
        str,
        typer.Argument(
            help="The event, page or screen; for identify and alias the user id, for group its id."
        ),
    ],
    properties: Annotated[
        str, typer.Option(help="Properties (identify, group: traits), a JSON object.")
    ] = "{}",
    user_id: Annotated[str, typer.Option(help="Who it was.")] = "",
    anonymous_id: Annotated[str, typer.Option(help="Which device or visitor it was.")] = "",
    previous_id: Annotated[str, typer.Option(help="alias: the id before.")] = "",
    url: Annotated[str, typer.Option(help="Data plane; default: the data folder's server.")] = "",
    write_key: Annotated[str, typer.Option(help="Default: that of the data folder.")] = "",
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Send one event: `sojourn send track "Order Completed" --properties '{"total": 12}'`."""
    from sojourn import Client

    given = _json_object(properties)
    ids = {"user_id": user_id, "anonymous_id": anonymous_id}
    who: dict[str, Any] = {key: value for key, value in ids.items() if value}
    if not who and call not in (Call.identify, Call.alias):
        raise InvalidSettings("who was it? Name --user-id or --anonymous-id")
    with Client(*_target(url, write_key, data_dir, config)) as client:
        if call is Call.alias:
            message_id = client.alias(name, previous_id or None, **who)
        else:
            message_id = getattr(client, call.value)(name, given, **who)
        arrived = client.flush(timeout=10)
        error = client.stats.last_error
    if not (message_id and arrived):
        raise NotSent(str(error or "no answer within 10 s"))
    console.print(f"Sent: {message_id}", highlight=False)


def _json_object(text: str) -> dict[str, Any]:
    fix = "write --properties '{\"total\": 12}'"
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidSettings(f"--properties is not JSON ({error}); {fix}") from None
    if not isinstance(value, dict):
        raise InvalidSettings(f"--properties is no JSON object; {fix}")
    return value


def _target(
    url: str, write_key: str, data_dir: Path | None, config: Path | None
) -> tuple[str, str]:
    configuration = read_configuration(config, data_dir=data_dir)
    directory = DataDirectory(configuration.data_dir)
    if not url:
        url = directory.require_server().url
    if not write_key:
        write_key = directory.first_write_key(configuration)
    return write_key, url
