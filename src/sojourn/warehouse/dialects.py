"""What the SQL of warehouses differs in, as data: names of types, quoting, sqlglot's dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sojourn.warehouse.transform import PROVIDERS, Provider

_PARAMETERS = re.compile(r"\([^)]*\)")
_NULLABLE = re.compile(
    r"^(?:Nullable|LowCardinality|SimpleAggregateFunction)\((?:anyLast, )?(.*)\)$"
)


@dataclass(frozen=True)
class Dialect:
    """One kind of SQL warehouse."""

    provider: Provider
    sqlglot: str
    """What sqlglot calls it."""
    types: Mapping[str, str]
    """Our types (int, float, boolean, string, text, json, datetime) to those of the warehouse."""
    read_as: Mapping[str, str] = field(default_factory=dict)
    """Types that tables may have, in lower case without parameters, to ours."""
    quote: str = '"'
    longest_namespace: int = 127

    def name(self, *parts: str) -> str:
        """A name for SQL text, quoted and in the warehouse's case, its parts joined by dots."""
        quote, cased = self.quote, self.provider.cased
        return ".".join(f"{quote}{cased(p).replace(quote, quote * 2)}{quote}" for p in parts)

    def plain(self, name: str) -> str:
        """A name of the warehouse in our case."""
        return name.lower() if self.provider.upper else name

    def namespace(self, name: str) -> str:
        """A namespace cut to what the warehouse takes, in our case (lower)."""
        return name[: self.longest_namespace]

    def our_type(self, data_type: str) -> str:
        """A column's type in our words; `string` for one that nobody knows."""
        plain = data_type
        while wrapped := _NULLABLE.match(plain):
            plain = wrapped[1]
        plain = _PARAMETERS.sub("", plain).lower().strip()
        return self.read_as.get(plain, "string")


def _known(**words: str) -> dict[str, str]:
    """`{type: our type}` from our types with comma-separated names."""
    return {name: ours for ours, names in words.items() for name in names.split(",")}


POSTGRES = Dialect(
    PROVIDERS["postgres"],
    "postgres",
    {
        "int": "bigint",
        "float": "numeric",
        "boolean": "boolean",
        "string": "text",
        "text": "text",
        "json": "jsonb",
        "datetime": "timestamptz",
    },
    _known(
        int="integer,smallint,bigint",
        float="numeric,double precision,real",
        boolean="boolean",
        datetime="timestamp with time zone,timestamp without time zone,timestamp,date",
        json="jsonb,json",
    ),
    longest_namespace=63,
)
REDSHIFT = Dialect(
    PROVIDERS["redshift"],
    "redshift",
    {
        "int": "bigint",
        "float": "double precision",
        "boolean": "boolean",
        "string": "varchar(65535)",
        "text": "varchar(65535)",
        "json": "super",
        "datetime": "timestamp",
    },
    _known(
        int="integer,smallint,bigint",
        float="numeric,double precision,real",
        boolean="boolean",
        datetime="timestamp with time zone,timestamp without time zone,timestamp,date",
        json="super",
    ),
)
SNOWFLAKE = Dialect(
    PROVIDERS["snowflake"],
    "snowflake",
    {
        "int": "number",
        "float": "double precision",
        "boolean": "boolean",
        "string": "varchar",
        "text": "varchar",
        "json": "variant",
        "datetime": "timestamp_tz",
    },
    _known(
        int="number,decimal,numeric,int,integer,bigint,smallint,tinyint,byteint",
        float="float,float4,float8,double,double precision,real",
        boolean="boolean",
        datetime="timestamp_tz,timestamp_ntz,timestamp_ltz,timestamp,datetime,date",
        json="variant",
    ),
)
CLICKHOUSE = Dialect(
    PROVIDERS["clickhouse"],
    "clickhouse",
    {
        "int": "Int64",
        "float": "Float64",
        "boolean": "UInt8",
        "string": "String",
        "text": "String",
        "json": "String",
        "datetime": "DateTime",
    },
    _known(
        int="int8,int16,int32,int64,uint16,uint32,uint64",
        float="float32,float64,decimal",
        boolean="uint8,bool",
        datetime="datetime,datetime64,date,date32",
    ),
    quote="`",
)
BIGQUERY = Dialect(
    PROVIDERS["bigquery"],
    "bigquery",
    {
        "int": "INTEGER",
        "float": "FLOAT64",
        "boolean": "BOOLEAN",
        "string": "STRING",
        "text": "STRING",
        "json": "STRING",
        "datetime": "TIMESTAMP",
    },
    _known(
        int="int64,integer",
        float="float64,float,numeric,bignumeric",
        boolean="bool,boolean",
        datetime="timestamp,datetime,date",
        json="json",
    ),
    quote="`",
)
