"""Options that several commands share, and the configuration they add up to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from sojourn.settings import Configuration, load

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the log and the warehouse. Default: sojourn-data.", metavar="DIR"),
]
Config = Annotated[
    Path | None,
    typer.Option(help="Configuration file. Default: sojourn.toml, if it is there.", metavar="FILE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def read_configuration(config: Path | None, **overrides: Any) -> Configuration:
    """The configuration after file, environment and command line."""
    if config is None and Path("sojourn.toml").is_file():
        config = Path("sojourn.toml")
    given = {name: str(v) if isinstance(v, Path) else v for name, v in overrides.items()}
    return load(config, os.environ, given)
