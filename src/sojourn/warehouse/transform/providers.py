"""What warehouses differ in, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sojourn.core.errors import InvalidSettings


@dataclass(frozen=True)
class Provider:
    """One kind of warehouse."""

    name: str
    type: str
    """RudderStack's name of the destination, the key of its options in `integrations`."""
    reserved_words: str = ""
    """The list in `reserved/` with words that cannot be names; empty: none."""
    upper: bool = False
    """Names are in upper case."""
    blendo_keeps_characters: bool = False
    """`useBlendoCasing` only lowers the case: odd characters stay, as in RudderStack's tables."""
    longest_words: int = 0
    """Names are cut to this many characters before reserved words are looked at; 0: not cut."""
    longest: int = 127
    """Finished names are cut to this many characters; 0: not cut."""
    max_columns: int | None = None
    """Most columns of a table at load time; None: no limit known."""
    max_row_columns: bool = True
    """A row of more columns than the limit (1,600 by default) is an error."""
    json_type: str = "string"
    """Type of a JSON column."""
    full_event_type: str = "string"
    """Type of the column `rudder_event`."""
    json_paths: bool = False
    """`jsonPaths` apply."""
    long_text: int = 0
    """Text of more UTF-16 units than this is of type `text`; 0: there is no such type."""
    users_times: bool = True
    """`users` has `sent_at`, `timestamp`, `original_timestamp`."""
    users_table: bool = True
    """`users` is written at all."""
    merge_rules: bool = False
    """Identity resolution is there."""
    load_times: tuple[str, ...] = ("uuid_ts",)
    """Columns that the load fills with its own time."""
    discards: bool = True
    """Values that do not fit go to `rudder_discards`."""

    def cased(self, name: str) -> str:
        """A plain name in the provider's case."""
        return name.upper() if self.upper else name

    @property
    def reserved(self) -> frozenset[str]:
        """The words, in upper case, that cannot be names as they are."""
        return _words(self.reserved_words)


@cache
def _words(name: str) -> frozenset[str]:
    if not name:
        return frozenset()
    text = (files(__package__) / "reserved" / f"{name}.txt").read_text("ascii")
    return frozenset(text.split())


def _lake(name: str, type_: str, reserved: str, max_columns: int | None = None) -> Provider:
    return Provider(
        name, type_, reserved, longest=0, max_columns=max_columns, max_row_columns=False,
        users_times=False, discards=False,
    )  # fmt: skip


_ALL = (
    Provider(
        "postgres", "POSTGRES", "postgres", longest_words=63, max_columns=1600,
        blendo_keeps_characters=True,
        json_type="json", full_event_type="json", json_paths=True,
    ),
    Provider(
        "duckdb", "DUCKDB", "postgres", longest_words=63,
        json_type="json", full_event_type="json", json_paths=True,
    ),
    Provider(
        "snowflake", "SNOWFLAKE", "snowflake", upper=True,
        json_type="json", full_event_type="json", json_paths=True, merge_rules=True,
    ),
    Provider(
        "snowpipe_streaming", "SNOWPIPE_STREAMING", "snowflake", upper=True,
        json_type="json", full_event_type="json", json_paths=True, users_table=False,
    ),
    Provider(
        "bigquery", "BQ", "bigquery", max_columns=10_000, json_paths=True, merge_rules=True,
        load_times=("uuid_ts", "loaded_at"),
    ),
    Provider(
        "redshift", "RS", "redshift", max_columns=1600, long_text=512,
        json_type="json", full_event_type="text", json_paths=True,
    ),
    Provider("clickhouse", "CLICKHOUSE", max_columns=1000),
    Provider("mssql", "MSSQL", "mssql", max_columns=1024, full_event_type="json"),
    Provider("azure_synapse", "AZURE_SYNAPSE", "mssql", max_columns=1024, full_event_type="json"),
    Provider("deltalake", "DELTALAKE", "deltalake"),
    _lake("s3_datalake", "S3_DATALAKE", "hive", 10_000),
    _lake("gcs_datalake", "GCS_DATALAKE", "bigquery"),
    _lake("azure_datalake", "AZURE_DATALAKE", "mssql"),
)  # fmt: skip

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in _ALL}
"""Every kind of warehouse, by name."""


def provider_of(name: str) -> Provider:
    """The provider called `name`. Raises `InvalidSettings` naming those there are."""
    try:
        return PROVIDERS[name]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise InvalidSettings(f"warehouse provider {name!r}: use one of {known}") from None
