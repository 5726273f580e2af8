"""`sojourn.toml` and the environment, read into one frozen `Configuration`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.saved_views import KINDS, Views, read_views
from sojourn.core.source import MAX_SESSION_MS, Source, default_timeout_ms
from sojourn.settings.durations import parse_duration
from sojourn.settings.options import BY_NAME, OPTIONS

PLATFORMS = (
    "web", "android", "ios", "react-native", "flutter", "kotlin", "swift",
    "server", "desktop", "cli",
)  # fmt: skip
_SOURCE_KEYS = ("name", "id", "write_key", "platform", "timeout", "max_length", "enabled")
_SECTIONS = ("settings", "sources", "destinations", "warehouses", *KINDS)


@dataclass(frozen=True)
class DestinationSettings:
    """One `[[destinations]]` or `[[warehouses]]` entry: its name, its type, everything else."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Configuration:
    """Everything that was configured. `options` has a value for each entry of `OPTIONS`."""

    options: Mapping[str, Any]
    sources: tuple[Source, ...] = ()
    destinations: tuple[DestinationSettings, ...] = ()
    warehouses: tuple[DestinationSettings, ...] = ()
    saved: Views = field(default_factory=dict)
    """Funnels, reports and segments of the console, by kind and name."""
    path: Path | None = None

    def __getitem__(self, name: str) -> Any:
        return self.options[name]

    @property
    def data_dir(self) -> Path:
        """The folder that holds everything."""
        return Path(self.options["data_dir"])


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> Configuration:
    """Read the file (if any), then the environment, then the command line: the last one wins.

    Raises `InvalidSettings`, which names the file, the line or the key, and the fix.
    """
    document = _read(path) if path is not None else {}
    where = str(path) if path is not None else ""
    _check_names(where, document, _SECTIONS, "section")
    options = _options(where, document.get("settings", {}), environ, overrides or {})
    return Configuration(
        options=MappingProxyType(options),
        sources=tuple(_sources(where, document.get("sources", []), environ)),
        destinations=_typed(where, "destinations", document.get("destinations", []), environ),
        warehouses=_typed(where, "warehouses", document.get("warehouses", []), environ),
        saved=read_views(document, f"{where}: "),
        path=path,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidSettings(
            f"there is no file {path}; leave --config out to go without"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(f"{path} is not valid TOML: {error}") from None


def _options(
    where: str, given: Any, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidSettings(f"{where}: settings must be a table; write [settings]")
    _check_names(where, given, tuple(BY_NAME), "setting", "settings.")
    options: dict[str, Any] = {}
    for option in OPTIONS:
        name, value = f"default of {option.name}", option.default
        if option.name in given:
            name, value = f"{where}: settings.{option.name}", given[option.name]
        if option.environment_name in environ:
            name, value = option.environment_name, environ[option.environment_name]
        if overrides.get(option.name) is not None:
            name = f"--{option.name.replace('_', '-')}"
            value = overrides[option.name]
        try:
            options[option.name] = option.parse(resolve_secret(value, environ))
        except ValueError as error:
            raise InvalidSettings(f"{name} {error}") from None
    return options


def _sources(where: str, given: Any, environ: Mapping[str, str]) -> Iterable[Source]:
    seen: dict[str, str] = {}
    for index, entry in enumerate(_tables(where, "sources", given)):
        place = f"{where}: sources[{index}]"
        _check_names(where, entry, _SOURCE_KEYS, "key of a source", f"sources[{index}].")
        source = _source(place, entry, environ)
        for kind, value in (("id", source.id), ("write_key", source.write_key)):
            if seen.setdefault(f"{kind}={value}", source.name) != source.name:
                other = seen[f"{kind}={value}"]
                raise InvalidSettings(f"{place}.{kind} is that of source '{other}' too; change one")
        yield source


def _source(place: str, entry: Mapping[str, Any], environ: Mapping[str, str]) -> Source:
    name = _required_text(place, entry, "name")
    platform = entry.get("platform", "web")
    if platform not in PLATFORMS:
        raise InvalidSettings(
            f"{place}.platform is {platform!r}; it must be one of {', '.join(PLATFORMS)}"
        )
    enabled = entry.get("enabled", True)
    if not isinstance(enabled, bool):
        raise InvalidSettings(f"{place}.enabled is {enabled!r}; write true or false")
    return Source(
        id=str(entry.get("id") or slug(name)),
        name=name,
        write_key=_secret(place, "write_key", _required_text(place, entry, "write_key"), environ),
        platform=platform,
        enabled=enabled,
        timeout_ms=_duration(place, entry, "timeout", default_timeout_ms(platform)),
        max_length_ms=_duration(place, entry, "max_length", MAX_SESSION_MS),
    )


def _typed(
    where: str, section: str, given: Any, environ: Mapping[str, str]
) -> tuple[DestinationSettings, ...]:
    found: list[DestinationSettings] = []
    for index, entry in enumerate(_tables(where, section, given)):
        place = f"{where}: {section}[{index}]"
        kind = _required_text(place, entry, "type")
        name = str(entry.get("name") or kind)
        options = {
            key: _secret(place, key, value, environ)
            for key, value in entry.items()
            if key not in ("name", "type")
        }
        if any(name == other.name for other in found):
            raise InvalidSettings(f"{place}.name '{name}' is taken; give each entry its own name")
        found.append(DestinationSettings(name, kind, MappingProxyType(options)))
    return tuple(found)


def _tables(where: str, section: str, given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise InvalidSettings(f"{where}: {section} must be a list; write [[{section}]]")
    return given


def _required_text(place: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InvalidSettings(f'{place}.{key} is missing; write {key} = "…"')
    return value


def _duration(place: str, entry: Mapping[str, Any], key: str, default: int) -> int:
    if key not in entry:
        return default
    try:
        value = parse_duration(entry[key])
    except ValueError as error:
        raise InvalidSettings(f"{place}.{key} {error}") from None
    if value == 0:
        raise InvalidSettings(f"{place}.{key} is 0; write for example 30m")
    return value


def resolve_secret(value: Any, environ: Mapping[str, str]) -> Any:
    """`env:NAME` stands for the environment variable NAME; anything else for itself."""
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if not environ.get(name):
            raise ValueError(f"refers to the environment variable {name}, which is not set")
        return environ[name]
    return value


def _secret(place: str, key: str, value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: _secret(f"{place}.{key}", k, v, environ) for k, v in value.items()}
    if isinstance(value, list):
        return [_secret(place, f"{key}[{i}]", v, environ) for i, v in enumerate(value)]
    try:
        return resolve_secret(value, environ)
    except ValueError as error:
        raise InvalidSettings(f"{place}.{key} {error}") from None


def _check_names(
    where: str, given: Mapping[str, Any], known: tuple[str, ...], what: str, prefix: str = ""
) -> None:
    for name in given:
        if name not in known:
            raise InvalidSettings(
                f"{where}: {prefix}{name} is no {what}; there are: {', '.join(known)}"
            )


def slug(name: str) -> str:
    """A name as an identifier: lower case, runs of other characters become `-`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "source"
