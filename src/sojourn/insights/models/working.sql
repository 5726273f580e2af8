-- Working relations that stay as long as a connection: views, and tables that are mostly empty.
-- Others have their place where they are filled.

-- name: columns
-- What sessions are made of: the columns of events that `work`, `renewed` and their paths read.
source_id, visitor_id, visitor_hash, anonymous_id, message_id, user_id, type, event_time, received_at,
sdk_session_id, sdk_session_start, sdk_session_no, id_fault, is_view, is_activity, is_conversion,
is_error, is_fatal, engaged_ms, revenue, node, url, referrer, referrer_host, utm_source, utm_medium,
utm_campaign, utm_term, utm_content, click_id, click_id_type, channel, platform, device, os,
os_version, browser, browser_version, app_version, locale, country, traffic_class,
name, target, is_click;

-- name: is_ready
SELECT count(*) FROM duckdb_views() WHERE view_name = 'working_is_ready' AND temporary;

-- name: no_losers
-- Copies that give way to one received earlier.
CREATE OR REPLACE TEMP TABLE losers (
    rid BIGINT, session_key VARCHAR, visitor_hash BIGINT, event_time TIMESTAMP
);

-- name: no_idless
CREATE OR REPLACE TEMP TABLE idless (rid BIGINT, session_no BIGINT, is_joined BOOLEAN);

-- name: no_revisions
CREATE OR REPLACE TEMP TABLE revisions (
    visitor_hash BIGINT, session_no BIGINT, part INTEGER, arrivals BIGINT
);

-- name: touched_events
CREATE OR REPLACE TEMP TABLE touched_events AS
SELECT rowid AS rid, {columns}, session_key, event_index, gap FROM session_events LIMIT 0;

-- name: gathered
-- The events to make sessions of: the new ones and all of the touched sessions.
CREATE OR REPLACE TEMP VIEW gathered AS
SELECT rid, {columns} FROM staged
UNION ALL
SELECT rid, {columns} FROM touched_events;

-- name: persons_before
-- Whose sessions were counted before.
CREATE OR REPLACE TEMP VIEW persons_before AS SELECT person FROM known;

-- name: ready
CREATE OR REPLACE TEMP VIEW working_is_ready AS SELECT 1 AS is_ready;

-- name: unready
DROP VIEW IF EXISTS working_is_ready;
