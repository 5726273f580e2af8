-- Spark from 4.1 on, which is the first with recursive queries.
-- Working tables are real ones: Spark would compute temporary views again at each use, and the plan
-- of one upon the other grows without bounds.

-- name: to_ms
UNIX_MILLIS(value)

-- name: from_ms
TIMESTAMP_MILLIS(value)

-- name: open
-- Sessions of months may be cut more often than the 100 times that Spark allows by itself, and all
-- of them more than a million times.
SET TIME ZONE 'UTC';
SET spark.sql.cteRecursionLevelLimit = -1;
SET spark.sql.cteRecursionRowLimit = -1;
DROP SCHEMA IF EXISTS {working} CASCADE;
CREATE SCHEMA {working};

-- name: define_table
CREATE TABLE {name} AS
{query};

-- name: define_view
CREATE VIEW {name} AS
{query};

-- name: store
-- A table cannot be written while it is read: what events get is a table beside them.
DROP TABLE IF EXISTS {sessions};
CREATE TABLE {sessions} AS SELECT * FROM {working}.new_sessions;
DROP TABLE IF EXISTS {event_sessions};
CREATE TABLE {event_sessions} AS SELECT * FROM {working}.event_sessions;

-- name: close
DROP SCHEMA {working} CASCADE;
