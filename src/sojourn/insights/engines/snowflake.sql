-- Snowflake. Its statements that make tables end a transaction, so only the last ones are in one.

-- name: to_ms
DATE_PART(EPOCH_MILLISECOND, value)

-- name: from_ms
TO_TIMESTAMP_TZ(value, 3)

-- name: define_table
CREATE OR REPLACE TEMPORARY TABLE {name} AS
{query};

-- name: store
CREATE TABLE IF NOT EXISTS {sessions} AS SELECT * FROM new_sessions WHERE FALSE;
BEGIN TRANSACTION;
DELETE FROM {sessions};
INSERT INTO {sessions} ({columns})
SELECT {columns} FROM new_sessions;
UPDATE {events} AS e SET session_key = n.session_key, event_index = n.event_index, gap = n.gap
FROM event_sessions AS n
WHERE n.visitor_hash = e.visitor_hash AND n.message_hash = e.message_hash
    AND n.message_id = e.message_id AND n.source_id = e.source_id;
COMMIT;
