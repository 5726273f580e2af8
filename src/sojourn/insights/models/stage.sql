-- New events, and the stored ones whose sessions they touch, in temporary tables.
-- `arriving` is the Arrow table of sojourn.insights.extract, with a `number` for each row (counting
-- them here would keep DuckDB to one thread). Row ids (`rid`): stored events have their rowid, new
-- ones numbers from 2^39 up.

-- name: stage
CREATE OR REPLACE TEMP TABLE staged AS
WITH read AS (
    SELECT
        * EXCLUDE (number, timestamp, received, sent, original, node, page_node),
        549755813888 + number AS rid,
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
    $source_id AS source_id,
    CAST(md5_number_lower($source_id || '|' || message_id) >> 1 AS BIGINT) AS message_hash,
    CAST(md5_number_lower($source_id || '|' || visitor_id) >> 1 AS BIGINT) AS visitor_hash,
    coalesce(happened, received_at) AS event_time,
    * EXCLUDE (happened)
FROM sound;

-- name: look
-- How many events are new, how many of their ids come twice, and how many are stored already.
SELECT
    count(*), count(*) - count(DISTINCT message_hash),
    (SELECT count(*) FROM session_events WHERE message_hash IN (SELECT message_hash FROM staged))
FROM staged;

-- name: find_copies
-- Message ids that are there more than once, among the new events and the stored ones.
CREATE OR REPLACE TEMP TABLE copied AS
SELECT message_hash FROM staged GROUP BY message_hash HAVING count(*) > 1
UNION
SELECT message_hash FROM session_events WHERE message_hash IN (SELECT message_hash FROM staged);

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

-- name: drop_stored_copies
DELETE FROM session_events WHERE rowid IN (SELECT rid FROM losers WHERE rid < 549755813888);

-- name: concerned
CREATE OR REPLACE TEMP TABLE concerned AS
SELECT visitor_hash FROM staged UNION SELECT visitor_hash FROM losers;

-- name: touch
-- Sessions that the new events may change: those of the same visitor within a timeout of one or of
-- one that gives way to an earlier copy, those of the same session id, and the other pieces of all
-- these ids, since their numbers may change.
CREATE OR REPLACE TEMP TABLE touched_sessions AS
WITH spans AS (
    SELECT
        visitor_hash, sdk_session_no,
        epoch_ms(min(event_time)) AS first_ms, epoch_ms(max(event_time)) AS last_ms
    FROM (
        SELECT visitor_hash, sdk_session_no, event_time FROM staged
        UNION ALL
        SELECT visitor_hash, CAST(NULL AS BIGINT), event_time FROM losers
    )
    GROUP BY visitor_hash, sdk_session_no, epoch_ms(event_time) // $timeout_ms
),
near AS (
    SELECT DISTINCT k.visitor_hash, k.session_no
    FROM known AS k JOIN spans AS n ON n.visitor_hash = k.visitor_hash
    WHERE n.sdk_session_no = k.session_no
        OR n.last_ms >= k.first_ms - $timeout_ms AND n.first_ms <= k.last_ms + $timeout_ms
)
SELECT k.session_key, k.visitor_hash, k.session_no, k.first_ms, k.last_ms, k.repairs
FROM known AS k JOIN near AS n ON n.visitor_hash = k.visitor_hash AND n.session_no = k.session_no;

-- name: reach
-- How many sessions are touched, the time that they take up, how many have ids of several tabs.
SELECT count(*), min(first_ms), max(last_ms), count(CASE WHEN repairs LIKE '%siblings_merged%' THEN 1 END)
FROM touched_sessions;

-- name: gather
-- The stored events of the touched sessions.
INSERT INTO touched_events
SELECT rowid AS rid, {columns}, session_key, event_index, gap
FROM session_events
WHERE visitor_hash IN (SELECT visitor_hash FROM touched_sessions)
    AND session_key IN (SELECT session_key FROM touched_sessions)
    AND event_time BETWEEN make_timestamp_ms($first_ms) AND make_timestamp_ms($last_ms);

-- name: touch_same_ids
-- Pieces elsewhere in time of the session ids that gathered events carry, but were not put under.
CREATE OR REPLACE TEMP TABLE further AS
SELECT DISTINCT k.session_key, k.visitor_hash, k.session_no, k.first_ms, k.last_ms, k.repairs
FROM known AS k
JOIN touched_events AS e ON e.visitor_hash = k.visitor_hash AND e.sdk_session_no = k.session_no
WHERE k.session_key NOT IN (SELECT session_key FROM touched_sessions);

-- name: gather_further
INSERT INTO touched_events
SELECT rowid AS rid, {columns}, session_key, event_index, gap
FROM session_events
WHERE session_key IN (SELECT session_key FROM further);

-- name: touch_further
INSERT INTO touched_sessions SELECT * FROM further;

-- name: forget_touched
DELETE FROM touched_events;
