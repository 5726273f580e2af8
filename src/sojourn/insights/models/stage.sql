-- New events, and the stored ones whose sessions they touch, in temporary tables.
-- `arriving` is the Arrow table of sojourn.insights.extract. Row ids (`rid`): stored events have
-- their rowid, new ones numbers from 2^39 up.

-- name: stage
CREATE OR REPLACE TEMP TABLE staged AS
WITH read AS (
    SELECT
        * EXCLUDE (timestamp, received, sent, original, node, page_node),
        try_cast(timestamp AS TIMESTAMP) AS happened,
        try_cast(received AS TIMESTAMP) AS received,
        try_cast(sent AS TIMESTAMP) AS sent_at,
        try_cast(original AS TIMESTAMP) AS original_time,
        coalesce(node, CASE WHEN type = 'page' THEN page_node END) AS node
    FROM arriving
),
sound AS (
    SELECT
        * EXCLUDE (happened, received),
        date_trunc('millisecond', CASE WHEN received BETWEEN TIMESTAMP '1970-01-01' AND TIMESTAMP '2200-01-01'
            THEN received ELSE TIMESTAMP '1970-01-01' END) AS received_at,
        date_trunc('millisecond', CASE WHEN happened BETWEEN TIMESTAMP '1970-01-01' AND TIMESTAMP '2200-01-01'
            THEN happened END) AS happened
    FROM read
)
SELECT
    549755813888 + row_number() OVER () AS rid,
    $source_id AS source_id,
    CAST(md5_number_lower($source_id || '|' || message_id) >> 1 AS BIGINT) AS message_hash,
    CAST(md5_number_lower($source_id || '|' || visitor_id) >> 1 AS BIGINT) AS visitor_hash,
    coalesce(happened, received_at) AS event_time,
    * EXCLUDE (happened)
FROM sound;

-- name: find_copies
-- Message ids that are there more than once, among the new events and the stored ones.
CREATE OR REPLACE TEMP TABLE copied AS
SELECT message_hash FROM staged GROUP BY message_hash HAVING count(*) > 1
UNION
SELECT message_hash FROM session_events WHERE message_hash IN (SELECT message_hash FROM staged);

-- name: no_losers
CREATE OR REPLACE TEMP TABLE losers (
    rid BIGINT, session_key VARCHAR, visitor_hash BIGINT, event_time TIMESTAMP
);

-- name: rank_copies
-- The copy received first stays; those received together are told apart by their content, so that
-- the order in which they came to us does not matter.
CREATE OR REPLACE TEMP TABLE losers AS
WITH both_kinds AS (
    SELECT rid, CAST(NULL AS VARCHAR) AS session_key, * EXCLUDE (rid)
    FROM staged WHERE message_hash IN (SELECT message_hash FROM copied)
    UNION ALL BY NAME
    SELECT rowid AS rid, session_key, * EXCLUDE (session_key, event_index, gap)
    FROM session_events WHERE message_hash IN (SELECT message_hash FROM copied)
),
ranked AS (
    SELECT rid, session_key, visitor_hash, event_time, row_number() OVER (
        PARTITION BY message_hash
        ORDER BY received_at, event_time, md5(concat_ws(
            '|', visitor_id, user_id, type, name, sent_at, original_time, sdk_session_id,
            sdk_session_start, is_activity, is_conversion, engaged_ms, target, revenue, node, url,
            path, title, referrer, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
            click_id, platform, device, device_model, os, os_version, browser, browser_version,
            app, app_version, library, locale, timezone, country, traffic_class, properties
        )), rid
    ) AS place
    FROM both_kinds
)
SELECT rid, session_key, visitor_hash, event_time FROM ranked WHERE place > 1;

-- name: drop_copies
DELETE FROM staged WHERE rid IN (SELECT rid FROM losers);

-- name: touch
-- Sessions that the new events may change: those of the same visitor within a timeout of one or of
-- one that gives way to an earlier copy, and those of the same session id.
CREATE OR REPLACE TEMP TABLE touched_sessions AS
WITH spans AS (
    SELECT visitor_hash, min(event_time) AS first_time, max(event_time) AS last_time
    FROM (
        SELECT visitor_hash, event_time FROM staged
        UNION ALL
        SELECT visitor_hash, event_time FROM losers
    )
    GROUP BY visitor_hash, epoch_ms(event_time) // $timeout_ms
),
named AS (
    SELECT DISTINCT visitor_hash, sdk_session_no FROM staged WHERE sdk_session_no IS NOT NULL
)
SELECT s.session_key
FROM sessions AS s JOIN spans AS n ON n.visitor_hash = s.visitor_hash
WHERE epoch_ms(n.last_time) >= epoch_ms(s.first_event_time) - $timeout_ms
    AND epoch_ms(n.first_time) <= epoch_ms(s.last_event_time) + $timeout_ms
UNION
SELECT s.session_key
FROM sessions AS s
JOIN named AS n ON n.visitor_hash = s.visitor_hash AND n.sdk_session_no = s.session_no
UNION
SELECT session_key FROM losers WHERE session_key IS NOT NULL;

-- name: drop_stored_copies
DELETE FROM session_events WHERE rowid IN (SELECT rid FROM losers WHERE rid < 549755813888);

-- name: gather
-- The stored events of the touched sessions.
CREATE OR REPLACE TEMP TABLE touched_events AS
SELECT rowid AS rid, *
FROM session_events
WHERE session_key IN (SELECT session_key FROM touched_sessions)
    AND event_time >= (SELECT min(first_event_time) FROM sessions WHERE session_key IN (SELECT session_key FROM touched_sessions))
    AND event_time <= (SELECT max(last_event_time) FROM sessions WHERE session_key IN (SELECT session_key FROM touched_sessions));

-- name: gathered
-- The events to make sessions of: the new ones and all of the touched sessions.
CREATE OR REPLACE TEMP VIEW gathered AS
SELECT * FROM staged
UNION ALL BY NAME
SELECT * EXCLUDE (session_key, event_index, gap) FROM touched_events;

-- name: touch_same_ids
-- Pieces elsewhere in time of the session ids that the gathered events carry or were put under:
-- their numbers may change.
CREATE OR REPLACE TEMP TABLE further AS
SELECT DISTINCT s.session_key
FROM sessions AS s
JOIN (
    SELECT visitor_hash, sdk_session_no AS session_no FROM gathered WHERE sdk_session_no IS NOT NULL
    UNION
    SELECT visitor_hash, session_no FROM sessions WHERE session_key IN (SELECT session_key FROM touched_sessions)
) AS g ON g.visitor_hash = s.visitor_hash AND g.session_no = s.session_no
WHERE s.session_key NOT IN (SELECT session_key FROM touched_sessions);

-- name: gather_further
INSERT INTO touched_events
SELECT rowid AS rid, * FROM session_events WHERE session_key IN (SELECT session_key FROM further);

-- name: touch_further
INSERT INTO touched_sessions SELECT session_key FROM further;
