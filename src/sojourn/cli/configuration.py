"""`sojourn config`: what is in force, secrets masked."""

from __future__ import annotations

from typing import Any

from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table
from sojourn.settings import OPTIONS, Configuration, format_duration

_SECRET_WORDS = ("key", "secret", "token", "password")


def config(config: Config = None, data_dir: DataDir = None, json: AsJson = False) -> None:
    """Show the configuration in force: file, environment and command line put together.

    Secrets are masked. A mistake in the file is said with its place and the fix.
    """
    configuration = read_configuration(config, data_dir=data_dir)
    shown = _shown(configuration)
    if json:
        print_json(shown)
        return
    print_table(
        ("setting", "value", "meaning"),
        [(o.name, _value(o.kind, shown["settings"][o.name]), o.help) for o in OPTIONS],
        title=f"Settings ({configuration.path or 'no file'})",
    )
    if not shown["sources"]:
        console.print("No source is configured: there is one, called 'default'.\n")
    print_table(
        ("source", "platform", "write key", "timeout", "longest", "enabled"),
        [
            (s["name"], s["platform"], s["write_key"], s["timeout"], s["max_length"], s["enabled"])
            for s in shown["sources"]
        ],
        title="Sources",
    )
    for section in ("destinations", "warehouses"):
        if shown[section]:
            print_table(
                ("name", "type", "options"),
                [(d["name"], d["type"], str(d["options"])) for d in shown[section]],
                title=section.capitalize(),
            )


def _shown(configuration: Configuration) -> dict[str, Any]:
    secrets = {option.name for option in OPTIONS if option.secret}
    return {
        "settings": {
            name: mask(value) if name in secrets else value
            for name, value in configuration.options.items()
        },
        "sources": [
            {
                "id": source.id,
                "name": source.name,
                "platform": source.platform,
                "write_key": mask(source.write_key),
                "timeout": format_duration(source.timeout_ms),
                "max_length": format_duration(source.max_length_ms),
                "enabled": source.enabled,
            }
            for source in configuration.sources
        ],
        **{
            section: [
                {"name": entry.name, "type": entry.type, "options": masked(entry.options)}
                for entry in getattr(configuration, section)
            ]
            for section in ("destinations", "warehouses")
        },
    }


def mask(secret: str) -> str:
    """Enough of a secret to tell it from another, and not more."""
    return f"{secret[:3]}…" if len(secret) > 8 else "…" if secret else ""


def masked(options: Any) -> Any:
    """Options with every value masked whose name speaks of a secret, at any depth."""
    if isinstance(options, (list, tuple)):
        return [masked(value) for value in options]
    if not hasattr(options, "items"):
        return options
    return {
        name: mask(value)
        if isinstance(value, str) and any(word in name.lower() for word in _SECRET_WORDS)
        else masked(value)
        for name, value in options.items()
    }


def _value(kind: str, value: Any) -> str:
    if kind == "duration":
        return format_duration(value) if value else "0"
    return str(value)
