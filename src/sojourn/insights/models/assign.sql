-- Every event gets its session: the SDK's id where gaps stay within the timeout and the length
-- within the maximum, a session by identity and time where there is no usable id.
-- Input: `work`, one row per event (see `narrow`). The order of events is always
-- (event_ms, received_ms, message_id).

-- name: narrow
-- What sessions are made of, from `gathered`.
CREATE OR REPLACE TEMP VIEW work AS
SELECT
    g.rid, g.visitor_hash, g.sdk_session_no, g.message_id,
    epoch_ms(g.event_time) AS event_ms, epoch_ms(g.received_at) AS received_ms,
    g.user_id, g.type = 'identify' AS is_identify, g.sdk_session_start, g.id_fault,
    g.is_view, g.is_activity, g.is_activity AND g.type IN ('page', 'screen', 'track') AS is_action,
    g.is_conversion, g.is_error, g.is_fatal, g.url IS NOT NULL AS has_url,
    coalesce(g.utm_source, g.utm_medium, g.utm_campaign, g.click_id_type) IS NOT NULL AS has_campaign,
    coalesce(g.device, g.os) IS NOT NULL AS has_device,
    g.engaged_ms, CASE WHEN g.is_conversion THEN CAST(floor(CAST(g.revenue AS DOUBLE) * 10000 + 0.5) AS BIGINT) END AS revenue,
    p.timeout_ms, p.max_length_ms
FROM gathered AS g JOIN session_policies AS p ON p.source_id = g.source_id;

-- name: idless
-- Events without a usable id: they go on with the session of the last event of the visitor that
-- has one, as long as no gap is over the timeout; else they make a session of their own.
CREATE OR REPLACE TEMP TABLE idless AS
WITH gaps AS (
    SELECT
        rid, visitor_hash, sdk_session_no, event_ms, received_ms, message_id, timeout_ms,
        event_ms - lag(event_ms) OVER (
            PARTITION BY visitor_hash ORDER BY event_ms, received_ms, message_id
        ) AS gap_ms
    FROM work
    WHERE visitor_hash IN (SELECT visitor_hash FROM work WHERE sdk_session_no IS NULL)
),
carried AS (
    SELECT
        rid, visitor_hash, sdk_session_no,
        last_value(CASE WHEN gap_ms <= timeout_ms THEN NULL ELSE event_ms END IGNORE NULLS) OVER visits AS chain_start,
        last_value(sdk_session_no IGNORE NULLS) OVER visits AS known_no,
        last_value(CASE WHEN sdk_session_no IS NOT NULL THEN event_ms END IGNORE NULLS) OVER visits AS known_ms
    FROM gaps
    WINDOW visits AS (
        PARTITION BY visitor_hash ORDER BY event_ms, received_ms, message_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
SELECT
    rid, CASE WHEN known_ms >= chain_start THEN known_no ELSE -1 - chain_start END AS session_no,
    coalesce(known_ms >= chain_start, FALSE) AS is_joined
FROM carried WHERE sdk_session_no IS NULL;

-- name: steps
-- Each event within its session id: the gap to the one before (ms), and its place.
CREATE OR REPLACE TEMP TABLE steps AS
SELECT
    w.* EXCLUDE (sdk_session_no), coalesce(w.sdk_session_no, i.session_no) AS session_no,
    i.is_joined, 1 AS part, CAST(NULL AS VARCHAR) AS cause, FALSE AS is_merged,
    w.event_ms - lag(w.event_ms) OVER line AS gap_ms,
    row_number() OVER line AS place
FROM work AS w LEFT JOIN idless AS i ON i.rid = w.rid
WINDOW line AS (
    PARTITION BY w.visitor_hash, coalesce(w.sdk_session_no, i.session_no)
    ORDER BY w.event_ms, w.received_ms, w.message_id
);

-- name: numbered
CREATE OR REPLACE TEMP VIEW numbered AS SELECT * FROM steps;

-- name: pieces
-- The facts of each piece of a session id. `*_spot` says which event: its place, then its row.
CREATE OR REPLACE TEMP VIEW piece_facts AS
WITH placed AS (SELECT *, place * 1099511627776 + rid AS spot FROM numbered)
SELECT
    visitor_hash, session_no, part,
    min(event_ms) AS first_ms, max(event_ms) AS last_ms,
    min(CASE WHEN is_activity THEN event_ms END) AS start_ms,
    max(CASE WHEN is_activity THEN event_ms END) AS end_ms,
    count(*) AS events,
    sum(CAST(is_action AS INTEGER)) AS activities,
    sum(CAST(is_view AS INTEGER)) AS views,
    sum(CAST(is_conversion AS INTEGER)) AS conversions,
    sum(CAST(is_error AS INTEGER)) AS errors,
    sum(CAST(is_fatal AS INTEGER)) AS fatals,
    sum(revenue) AS revenue,
    sum(engaged_ms) AS engaged_ms,
    max(engaged_ms) AS longest_view_ms,
    sum(CASE WHEN gap_ms > 60000 THEN 60000 ELSE gap_ms END) AS capped_gaps_ms,
    max(gap_ms) AS longest_gap_ms,
    min(user_id) AS least_user, max(user_id) AS greatest_user,
    max(CASE WHEN sdk_session_start THEN 1 ELSE 0 END) AS has_start_flag,
    max(CASE WHEN is_joined THEN 1 ELSE 0 END) AS has_joined,
    max(CASE WHEN is_merged THEN 1 ELSE 0 END) AS has_merged,
    min(id_fault) AS least_fault, max(id_fault) AS greatest_fault,
    max(cause) AS cause,
    sum(CASE WHEN received_ms - event_ms > timeout_ms THEN 1 ELSE 0 END) AS late_events,
    max(received_ms) AS received_ms,
    min(spot) AS first_spot,
    min(CASE WHEN is_view THEN spot END) AS entry_spot,
    max(CASE WHEN is_view THEN spot END) AS exit_spot,
    min(CASE WHEN has_url THEN spot END) AS first_url_spot,
    max(CASE WHEN has_url THEN spot END) AS last_url_spot,
    min(CASE WHEN has_campaign THEN spot END) AS campaign_spot,
    min(CASE WHEN has_device THEN spot END) AS device_spot,
    max(CASE WHEN user_id IS NOT NULL THEN spot END) AS user_spot,
    max(timeout_ms) AS timeout_ms, max(max_length_ms) AS max_length_ms
FROM placed
GROUP BY visitor_hash, session_no, part;

-- name: count_pieces
CREATE OR REPLACE TEMP TABLE pieces AS SELECT * FROM piece_facts;

-- name: odd
-- Session ids that cannot stay as they are: a gap over the timeout, too long, several users.
CREATE OR REPLACE TEMP TABLE odd AS
SELECT visitor_hash, session_no
FROM pieces
WHERE longest_gap_ms > timeout_ms OR last_ms - first_ms > max_length_ms
    OR least_user <> greatest_user;

-- name: close_ids
-- Visitors with session ids that are clocks and close to each other: they may have siblings.
CREATE OR REPLACE TEMP TABLE close_ids AS
SELECT DISTINCT a.visitor_hash
FROM pieces AS a JOIN pieces AS b ON b.visitor_hash = a.visitor_hash
WHERE a.session_no > 0 AND b.session_no > a.session_no AND b.session_no - a.session_no <= 120000;

-- name: siblings
-- Tabs that rotate together: ids of one visitor that begin within a minute and go on side by side
-- are one visit. Ids that are clocks differ by as much as their starts (other ids are a caller's,
-- who may want several). `root_no` is the id that began first.
CREATE OR REPLACE TEMP TABLE siblings AS
WITH gap_parts AS (
    SELECT
        s.*, sum(CASE WHEN s.gap_ms > s.timeout_ms THEN 1 ELSE 0 END) OVER (
            PARTITION BY s.visitor_hash, s.session_no
            ORDER BY s.event_ms, s.received_ms, s.message_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS gap_part
    FROM steps AS s JOIN odd AS o ON o.visitor_hash = s.visitor_hash AND o.session_no = s.session_no
    WHERE s.visitor_hash IN (SELECT visitor_hash FROM close_ids)
),
extents AS (
    SELECT visitor_hash, session_no, first_ms, last_ms, least_user, greatest_user
    FROM pieces AS p
    WHERE p.visitor_hash IN (SELECT visitor_hash FROM close_ids) AND NOT EXISTS (
        SELECT 1 FROM odd AS o WHERE o.visitor_hash = p.visitor_hash AND o.session_no = p.session_no
    )
    UNION ALL
    SELECT
        visitor_hash, session_no, min(event_ms), max(event_ms), min(user_id), max(user_id)
    FROM gap_parts GROUP BY visitor_hash, session_no, gap_part
),
neighbours AS (
    SELECT
        *,
        lag(first_ms) OVER starts AS earlier_first, lag(last_ms) OVER starts AS earlier_last,
        lag(session_no) OVER starts AS earlier_no, lag(greatest_user) OVER starts AS earlier_user
    FROM extents
    WINDOW starts AS (PARTITION BY visitor_hash ORDER BY first_ms, last_ms DESC, session_no)
),
marked AS (
    SELECT
        *,
        CASE WHEN first_ms - earlier_first <= 60000 AND earlier_last > first_ms
            AND earlier_no <> session_no
            AND session_no > 0 AND earlier_no > 0 AND abs(session_no - earlier_no) <= 120000
            AND coalesce(earlier_user, least_user, '') = coalesce(least_user, earlier_user, '')
            THEN 0 ELSE 1 END AS is_root
    FROM neighbours
),
clusters AS (
    SELECT *, sum(is_root) OVER (
        PARTITION BY visitor_hash ORDER BY first_ms, last_ms DESC, session_no
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS cluster
    FROM marked
),
rooted AS (
    SELECT *, first_value(session_no) OVER (
        PARTITION BY visitor_hash, cluster ORDER BY first_ms, last_ms DESC, session_no
    ) AS root_no,
    count(*) OVER (PARTITION BY visitor_hash, cluster) AS members
    FROM clusters
)
SELECT visitor_hash, session_no, first_ms, last_ms, root_no
FROM rooted WHERE members > 1;

-- name: gathered_idless
SELECT count(*) - count(sdk_session_no) FROM gathered;

-- name: look
-- What the plain case has none of: odd ids, ids that may be siblings, late events.
SELECT
    (SELECT count(*) FROM odd), (SELECT count(*) FROM close_ids), sum(late_events)
FROM pieces;
