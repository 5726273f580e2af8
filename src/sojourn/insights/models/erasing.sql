-- Sessions after events were deleted: the visitors whose events they were, anew from what is left.

-- name: hold
CREATE OR REPLACE TEMP TABLE erased_events AS
SELECT source_id, message_id FROM incoming_erased;

-- name: affected
-- Whose events are about to go.
CREATE OR REPLACE TEMP TABLE affected AS
SELECT DISTINCT e.visitor_hash FROM session_events AS e
WHERE EXISTS (
    SELECT 1 FROM erased_events AS x WHERE x.source_id = e.source_id AND x.message_id = e.message_id
);

-- name: affected_sessions
SELECT session_key FROM sessions WHERE visitor_hash IN (SELECT visitor_hash FROM affected);

-- name: delete_events
DELETE FROM session_events AS e
WHERE EXISTS (
    SELECT 1 FROM erased_events AS x WHERE x.source_id = e.source_id AND x.message_id = e.message_id
);

-- name: gather_affected
CREATE OR REPLACE TEMP VIEW gathered AS
SELECT rowid AS rid, * FROM session_events
WHERE visitor_hash IN (SELECT visitor_hash FROM affected);

-- name: touch_affected
CREATE OR REPLACE TEMP TABLE touched_sessions AS
SELECT session_key FROM sessions WHERE visitor_hash IN (SELECT visitor_hash FROM affected);

-- name: concern_affected
-- Also those of whom nothing is left: their persons are counted anew.
CREATE OR REPLACE TEMP TABLE concerned AS
SELECT visitor_hash FROM affected;

-- name: drop_affected
DROP TABLE IF EXISTS temp.affected;

-- name: drop_erased
DROP TABLE IF EXISTS temp.erased_events;

-- name: like
SELECT DISTINCT {column} FROM session_events WHERE {column} LIKE $pattern;

-- name: devices
-- Devices that the users were seen on, and whether another user was.
SELECT source_id, anonymous_id, bool_or(user_id NOT IN (SELECT unnest($users))) AS is_shared
FROM session_events
WHERE anonymous_id IS NOT NULL AND user_id IS NOT NULL
GROUP BY source_id, anonymous_id
HAVING bool_or(user_id IN (SELECT unnest($users)));

-- name: shared
SELECT DISTINCT source_id, anonymous_id FROM session_events
WHERE user_id IS NOT NULL AND user_id NOT IN (SELECT unnest($users))
    AND anonymous_id IN (SELECT unnest($devices));

-- name: events_of
-- What is theirs by the rule of `sojourn.core.erasure`, as far as this table can tell.
SELECT source_id, message_id FROM session_events
WHERE (len($sources) = 0 OR source_id IN (SELECT unnest($sources))) AND (
    user_id IN (SELECT unnest($users))
    OR user_id IS NULL AND (source_id || chr(31) || anonymous_id) IN (SELECT unnest($devices))
);
