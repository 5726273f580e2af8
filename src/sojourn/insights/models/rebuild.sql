-- All sessions of some sources anew from the stored events, and what that changes.

-- name: gather_stored
CREATE OR REPLACE TEMP VIEW gathered AS
SELECT rowid AS rid, * FROM session_events
WHERE source_id IN (SELECT source_id FROM remade);

-- name: remade
CREATE OR REPLACE TEMP TABLE remade AS
SELECT source_id FROM session_policies WHERE source_id IN (SELECT unnest($source_ids));

-- name: touch_none
CREATE OR REPLACE TEMP TABLE touched_sessions (session_key VARCHAR);

-- name: concern_none
-- No session of the sources is left, so there is none to renew but those that are made.
CREATE OR REPLACE TEMP TABLE concerned (visitor_hash BIGINT);

-- name: remade_persons
CREATE OR REPLACE TEMP TABLE remade_persons AS
SELECT DISTINCT person FROM sessions WHERE source_id IN (SELECT source_id FROM remade);

-- name: persons_before
CREATE OR REPLACE TEMP VIEW persons_before AS SELECT person FROM remade_persons;

-- name: drop_remade
DELETE FROM sessions WHERE source_id IN (SELECT source_id FROM remade);

-- name: sources
SELECT source_id FROM session_policies ORDER BY source_id;

-- name: remember
CREATE OR REPLACE TEMP TABLE earlier AS SELECT * FROM sessions;

-- name: changes
WITH before AS (SELECT * FROM earlier WHERE source_id IN (SELECT source_id FROM remade)),
after AS (SELECT * FROM sessions WHERE source_id IN (SELECT source_id FROM remade)),
pairs AS (
    SELECT
        b.session_key AS old_key, a.session_key AS new_key,
        a.start_time = b.start_time AND a.end_time = b.end_time AND a.events = b.events AS is_same
    FROM before AS b FULL JOIN after AS a ON a.session_key = b.session_key
)
SELECT
    count(*) FILTER (WHERE is_same) AS unchanged,
    count(*) FILTER (WHERE NOT is_same) AS changed,
    count(*) FILTER (WHERE old_key IS NULL) AS added,
    count(*) FILTER (WHERE new_key IS NULL) AS removed
FROM pairs;

-- name: figures
SELECT
    count(*) AS sessions,
    count(DISTINCT person) AS people,
    count(*) FILTER (WHERE is_counted AND is_engaged) / nullif(count(*) FILTER (WHERE is_counted), 0) AS engagement_rate,
    count(*) FILTER (WHERE is_bounce) / nullif(count(*) FILTER (WHERE is_counted), 0) AS bounce_rate,
    avg(duration) AS duration_mean,
    quantile_cont(duration, 0.5) AS duration_median,
    quantile_cont(duration, 0.9) AS duration_p90,
    avg(engaged) AS engaged_mean,
    avg(views) AS views_per_session,
    count(*) FILTER (WHERE conversions > 0) / nullif(count(*), 0) AS conversion_rate,
    count(*) FILTER (WHERE session_number = 1) / nullif(count(*), 0) AS new_share,
    count(*) FILTER (WHERE provenance = 'repaired') AS repaired_sessions
FROM {{table}} WHERE source_id IN (SELECT source_id FROM remade);
