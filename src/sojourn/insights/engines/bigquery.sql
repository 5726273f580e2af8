-- BigQuery.

-- name: to_ms
UNIX_MILLIS(value)

-- name: from_ms
TIMESTAMP_MILLIS(value)

-- name: open
DROP SCHEMA IF EXISTS {working} CASCADE;
CREATE SCHEMA {working};

-- name: define_table
CREATE TABLE {name} AS
{query};

-- name: define_view
CREATE VIEW {name} AS
{query};

-- name: store
CREATE TABLE IF NOT EXISTS {sessions} AS SELECT * FROM {working}.new_sessions WHERE FALSE;
BEGIN TRANSACTION;
DELETE FROM {sessions} WHERE TRUE;
INSERT INTO {sessions} ({columns})
SELECT {columns} FROM {working}.new_sessions;
UPDATE {events} AS e SET session_key = n.session_key, event_index = n.event_index, gap = n.gap
FROM {working}.event_sessions AS n
WHERE n.visitor_hash = e.visitor_hash AND n.message_hash = e.message_hash
    AND n.message_id = e.message_id AND n.source_id = e.source_id;
COMMIT TRANSACTION;

-- name: close
DROP SCHEMA {working} CASCADE;
