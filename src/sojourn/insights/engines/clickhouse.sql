-- ClickHouse, where a left join has to be told to give NULL where nothing matches.

-- name: to_ms
toUnixTimestamp64Milli(toDateTime64(value, 3, 'UTC'))

-- name: from_ms
fromUnixTimestamp64Milli(value, 'UTC')

-- name: open
SET join_use_nulls = 1;
SET prefer_column_name_to_alias = 1;
SET max_recursive_cte_evaluation_depth = 1000000;
DROP DATABASE IF EXISTS {working};
CREATE DATABASE {working};

-- name: define_table
CREATE TABLE {name} ENGINE = MergeTree ORDER BY tuple() AS
{query};

-- name: define_view
CREATE VIEW {name} AS
{query};

-- name: store
-- What events get is a table beside them: rows here are not changed in place.
CREATE OR REPLACE TABLE {sessions} ENGINE = MergeTree ORDER BY (visitor_hash, session_key)
SETTINGS allow_nullable_key = 1 AS
SELECT * FROM {working}.new_sessions;
CREATE OR REPLACE TABLE {event_sessions} ENGINE = MergeTree ORDER BY (visitor_hash, message_hash)
SETTINGS allow_nullable_key = 1 AS
SELECT * FROM {working}.event_sessions;

-- name: close
DROP DATABASE {working};
