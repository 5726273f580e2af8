-- Session rows from their pieces, and what a session has from its neighbours.

-- name: renewed
-- The sessions made anew. What they have from single events: an event belongs to one session, so
-- its row says whose.
CREATE OR REPLACE TEMP TABLE renewed AS
WITH measured AS (
    SELECT
        *,
        coalesce(start_ms, first_ms) AS begin_ms, coalesce(end_ms, last_ms) AS finish_ms,
        first_spot % 1099511627776 AS first_rid,
        coalesce(entry_spot, first_url_spot) % 1099511627776 AS entry_rid,
        coalesce(exit_spot, last_url_spot) % 1099511627776 AS exit_rid,
        coalesce(campaign_spot, entry_spot, first_url_spot, first_spot) % 1099511627776 AS campaign_rid,
        coalesce(device_spot, first_spot) % 1099511627776 AS device_rid,
        user_spot % 1099511627776 AS user_rid,
        session_no < 0 AND session_no > -1000000000000000000 AS is_inferred
    FROM pieces
),
needed AS (
    SELECT
        CASE k.kind
            WHEN 1 THEN first_rid WHEN 2 THEN entry_rid WHEN 3 THEN exit_rid
            WHEN 4 THEN campaign_rid WHEN 5 THEN device_rid ELSE user_rid
        END AS rid,
        first_rid, entry_rid, exit_rid, campaign_rid, device_rid, user_rid
    FROM measured CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6)) AS k (kind)
    WHERE CASE k.kind
        WHEN 1 THEN TRUE
        WHEN 2 THEN entry_rid <> first_rid
        WHEN 3 THEN exit_rid NOT IN (first_rid, entry_rid)
        WHEN 4 THEN campaign_rid NOT IN (first_rid, coalesce(entry_rid, -1), coalesce(exit_rid, -1))
        WHEN 5 THEN device_rid NOT IN (first_rid, coalesce(entry_rid, -1), coalesce(exit_rid, -1), campaign_rid)
        ELSE user_rid NOT IN (first_rid, coalesce(entry_rid, -1), coalesce(exit_rid, -1), campaign_rid, device_rid)
    END
),
details AS (
    SELECT
        n.first_rid AS detail_rid,
        max(CASE WHEN n.rid = n.first_rid THEN g.source_id END) AS source_id,
        max(CASE WHEN n.rid = n.first_rid THEN g.visitor_id END) AS visitor_id,
        max(CASE WHEN n.rid = n.first_rid THEN g.anonymous_id END) AS anonymous_id,
        max(CASE WHEN n.rid = n.first_rid THEN g.sdk_session_id END) AS sdk_session_id,
        max(CASE WHEN n.rid = n.entry_rid THEN g.node END) AS entry_page,
        max(CASE WHEN n.rid = n.exit_rid THEN g.node END) AS exit_page,
        max(CASE WHEN n.rid = n.entry_rid THEN g.url END) AS landing_url,
        max(CASE WHEN n.rid = n.entry_rid THEN g.referrer END) AS referrer,
        max(CASE WHEN n.rid = n.entry_rid THEN g.referrer_host END) AS referrer_host,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.utm_source END) AS utm_source,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.utm_medium END) AS utm_medium,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.utm_campaign END) AS utm_campaign,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.utm_term END) AS utm_term,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.utm_content END) AS utm_content,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.click_id END) AS click_id,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.click_id_type END) AS click_id_type,
        max(CASE WHEN n.rid = n.campaign_rid THEN g.channel END) AS channel,
        max(CASE WHEN n.rid = n.device_rid THEN g.traffic_class END) AS traffic_class,
        max(CASE WHEN n.rid = n.device_rid THEN g.platform END) AS platform,
        max(CASE WHEN n.rid = n.device_rid THEN g.device END) AS device,
        max(CASE WHEN n.rid = n.device_rid THEN g.os END) AS os,
        max(CASE WHEN n.rid = n.device_rid THEN g.os_version END) AS os_version,
        max(CASE WHEN n.rid = n.device_rid THEN g.browser END) AS browser,
        max(CASE WHEN n.rid = n.device_rid THEN g.browser_version END) AS browser_version,
        max(CASE WHEN n.rid = n.device_rid THEN g.app_version END) AS app_version,
        max(CASE WHEN n.rid = n.device_rid THEN g.locale END) AS locale,
        max(CASE WHEN n.rid = n.device_rid THEN g.country END) AS country,
        max(CASE WHEN n.rid = n.user_rid THEN g.user_id END) AS user_id
    FROM needed AS n JOIN gathered AS g ON g.rid = n.rid
    GROUP BY n.first_rid
)
SELECT
    m.first_rid, m.visitor_hash, m.session_no, m.part, m.first_ms, m.last_ms, m.begin_ms,
    m.finish_ms, m.events, m.activities, m.views, m.conversions, m.errors, m.fatals, m.revenue,
    m.engaged_ms IS NULL AS engaged_estimated, m.has_start_flag, m.has_joined, m.has_merged,
    m.least_fault, m.greatest_fault, m.cause, m.late_events, m.received_ms, m.timeout_ms,
    m.max_length_ms, m.is_inferred, d.*,
    substr(md5(
        d.source_id || '|' || d.visitor_id || '|'
        || CAST(m.session_no AS VARCHAR) || '|' || CAST(m.part AS VARCHAR)
    ), 1, 16) AS session_key,
    CASE
        WHEN m.is_inferred THEN -1 - m.session_no
        WHEN m.session_no < 0 THEN m.begin_ms
        ELSE m.session_no
    END AS session_id,
    CASE m.cause
        WHEN 'gap' THEN 'split' WHEN 'user' THEN 'user_change' WHEN 'length' THEN 'cut_off'
        ELSE CASE WHEN m.is_inferred THEN 'inferred' END
    END AS own_reason,
    (m.finish_ms - m.begin_ms) / 1000.0 AS duration,
    CASE
        WHEN m.engaged_ms IS NULL THEN coalesce(m.capped_gaps_ms, 0)
        ELSE least(m.engaged_ms, m.finish_ms - m.begin_ms + m.longest_view_ms)
    END / 1000.0 AS engaged
FROM measured AS m JOIN details AS d ON d.detail_rid = m.first_rid;

-- name: revisions
-- How often a session was made anew by late events: the distinct times at which such arrived.
CREATE OR REPLACE TEMP TABLE revisions AS
SELECT n.visitor_hash, n.session_no, n.part, count(DISTINCT w.received_ms) AS arrivals
FROM work AS w
JOIN numbered AS n ON n.rid = w.rid
WHERE w.received_ms - w.event_ms > w.timeout_ms
GROUP BY n.visitor_hash, n.session_no, n.part;

-- name: known
-- The stored sessions of the visitors concerned, with what new events and neighbours need of them.
CREATE OR REPLACE TEMP TABLE known AS
SELECT
    s.rowid AS row_no, s.session_key, s.visitor_hash, s.visitor_id, s.session_no, s.session_id,
    s.part, s.user_id, s.person, s.start_reason, s.end_reason, s.session_number,
    s.person_session_number, s.previous_session_key, s.repairs,
    epoch_ms(s.start_time) AS start_ms, epoch_ms(s.first_event_time) AS first_ms,
    epoch_ms(s.last_event_time) AS last_ms, p.timeout_ms, p.max_length_ms
FROM sessions AS s JOIN session_policies AS p ON p.source_id = s.source_id
WHERE s.visitor_hash IN (SELECT visitor_hash FROM concerned);

-- name: links
-- All sessions of the visitors concerned: `row_no` is that of one that is not made anew, `first_rid`
-- that of one that is.
CREATE OR REPLACE TEMP TABLE links AS
WITH visitor_sessions AS (
    SELECT
        first_rid, CAST(NULL AS BIGINT) AS row_no, CAST(NULL AS INTEGER) AS old_rank,
        session_key, visitor_hash, visitor_id, session_no, session_id, part, user_id, own_reason,
        begin_ms AS start_ms, last_ms, timeout_ms, max_length_ms
    FROM renewed
    UNION ALL
    SELECT
        CAST(NULL AS BIGINT) AS first_rid, row_no, person_session_number AS old_rank,
        session_key, visitor_hash, visitor_id, session_no, session_id, part, user_id,
        CASE WHEN part > 1 OR start_reason = 'inferred' THEN start_reason END AS own_reason,
        start_ms, last_ms, timeout_ms, max_length_ms
    FROM known
    WHERE session_key NOT IN (SELECT session_key FROM touched_sessions)
),
ranked AS (
    SELECT
        *,
        row_number() OVER starts AS session_number,
        lag(session_key) OVER starts AS previous_session_key,
        lag(start_ms) OVER starts AS earlier_start, lag(last_ms) OVER starts AS earlier_last,
        lag(user_id) OVER starts AS earlier_user,
        lead(start_ms) OVER starts AS later_start, lead(session_id) OVER starts AS later_id,
        lead(user_id) OVER starts AS later_user, lead(own_reason) OVER starts AS later_reason,
        last_value(user_id IGNORE NULLS) OVER so_far AS user_before,
        first_value(user_id IGNORE NULLS) OVER from_here AS user_next
    FROM visitor_sessions
    WINDOW
        starts AS (PARTITION BY visitor_hash ORDER BY start_ms, session_no, part),
        so_far AS (
            PARTITION BY visitor_hash ORDER BY start_ms, session_no, part
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        from_here AS (
            PARTITION BY visitor_hash ORDER BY start_ms, session_no, part
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
)
SELECT
    r.first_rid, r.row_no, r.old_rank, r.session_key, r.start_ms, r.session_number,
    r.previous_session_key,
    CASE
        WHEN r.own_reason IS NOT NULL THEN r.own_reason
        WHEN r.previous_session_key IS NULL THEN 'first_event'
        WHEN r.start_ms - r.earlier_last > r.timeout_ms THEN 'timeout'
        WHEN r.user_id <> r.earlier_user THEN 'user_change'
        WHEN r.start_ms - r.earlier_start > r.max_length_ms THEN 'cut_off'
        WHEN abs(r.session_id - r.start_ms) > r.timeout_ms THEN 'manual'
        ELSE 'reset'
    END AS start_reason,
    -- why the next piece of this id starts, else why the next session does, by the rules above
    CASE
        WHEN p.own_reason IS NOT NULL THEN p.own_reason
        WHEN r.later_start IS NULL OR r.later_start - r.last_ms > r.timeout_ms THEN 'timeout'
        WHEN r.later_reason = 'inferred' THEN 'timeout'
        WHEN r.later_reason IS NOT NULL THEN r.later_reason
        WHEN r.later_user <> r.user_id THEN 'user_change'
        WHEN r.later_start - r.start_ms > r.max_length_ms THEN 'cut_off'
        WHEN abs(r.later_id - r.later_start) > r.timeout_ms THEN 'manual'
        ELSE 'reset'
    END AS end_reason,
    coalesce(r.user_id, r.user_before, r.user_next, r.visitor_id) AS person
FROM ranked AS r
LEFT JOIN (SELECT visitor_hash, session_no, part, own_reason FROM visitor_sessions WHERE part > 1) AS p
    ON p.visitor_hash = r.visitor_hash AND p.session_no = r.session_no AND p.part = r.part + 1;

-- name: person_ranks
-- The same, and the other sessions of their persons, over all devices and sources, by start.
CREATE OR REPLACE TEMP TABLE person_ranks AS
WITH persons AS (
    SELECT person FROM links
    UNION
    SELECT person FROM persons_before
),
their_sessions AS (
    SELECT * FROM links
    UNION ALL
    SELECT
        CAST(NULL AS BIGINT) AS first_rid, rowid AS row_no, person_session_number AS old_rank,
        session_key, epoch_ms(start_time) AS start_ms, session_number, previous_session_key,
        start_reason, end_reason, person
    FROM sessions
    WHERE person IN (SELECT person FROM persons)
        AND visitor_hash NOT IN (SELECT visitor_hash FROM concerned)
)
SELECT *, row_number() OVER (PARTITION BY person ORDER BY start_ms, session_key) AS person_session_number
FROM their_sessions;

-- name: store_sessions
INSERT INTO sessions BY NAME
SELECT
    m.session_key, n.person, n.session_number, n.person_session_number, n.previous_session_key,
    n.session_number = 1 AS is_new, n.start_reason, n.end_reason,
    1 + coalesce(v.arrivals, 0) AS revision, m.session_id,
    m.source_id, m.visitor_id, m.visitor_hash, m.anonymous_id, m.user_id,
    m.session_no,
    CASE WHEN NOT m.is_inferred THEN m.sdk_session_id END AS sdk_session_id,
    m.part,
    make_timestamp_ms(m.begin_ms) AS start_time, make_timestamp_ms(m.finish_ms) AS end_time,
    m.duration, m.engaged, m.engaged_estimated,
    make_timestamp_ms(m.first_ms) AS first_event_time, make_timestamp_ms(m.last_ms) AS last_event_time,
    m.events, m.activities, m.views, m.conversions, m.errors,
    coalesce(m.revenue, 0) / 10000.0 AS revenue,
    m.entry_page, m.exit_page,
    m.landing_url, m.referrer, m.referrer_host,
    m.utm_source, m.utm_medium, m.utm_campaign, m.utm_term, m.utm_content,
    m.click_id, m.click_id_type, m.channel,
    CASE
        WHEN m.part > 1 OR m.has_merged = 1 OR m.least_fault IS NOT NULL THEN 'repaired'
        WHEN m.is_inferred THEN 'inferred'
        ELSE 'sdk'
    END AS provenance,
    nullif(substr(
        coalesce(',id_' || m.least_fault, '')
        || CASE WHEN m.greatest_fault <> m.least_fault THEN ',id_' || m.greatest_fault ELSE '' END
        || CASE WHEN m.has_joined = 1 THEN ',id_joined' ELSE '' END
        || CASE m.cause WHEN 'gap' THEN ',split_gap' WHEN 'user' THEN ',split_user' WHEN 'length' THEN ',split_length' ELSE '' END
        || CASE WHEN m.has_merged = 1 THEN ',siblings_merged' ELSE '' END
        || CASE WHEN m.has_start_flag = 0 AND m.part = 1 AND NOT m.is_inferred THEN ',start_flag_missing' ELSE '' END,
        2
    ), '') AS repairs,
    m.late_events, make_timestamp_ms(m.received_ms) AS received_until,
    make_timestamp_ms(m.finish_ms + m.timeout_ms) AS open_until,
    make_timestamp_ms(m.finish_ms + m.timeout_ms + 259200000) AS final_after,
    CASE WHEN m.fatals > 0 THEN 'crashed' WHEN m.errors > 0 THEN 'errored' ELSE 'ok' END AS state,
    m.engaged >= 10 OR m.views >= 2 OR m.conversions > 0 AS is_engaged,
    m.activities > 0 AS is_counted,
    m.activities > 0 AND NOT (m.engaged >= 10 OR m.views >= 2 OR m.conversions > 0) AS is_bounce,
    m.views = 1 AND m.activities = 1 AS is_classic_bounce,
    m.traffic_class, m.platform, m.device, m.os, m.os_version, m.browser, m.browser_version,
    m.app_version, m.locale, m.country
FROM renewed AS m
JOIN person_ranks AS n ON n.first_rid = m.first_rid
LEFT JOIN revisions AS v
    ON v.visitor_hash = m.visitor_hash AND v.session_no = m.session_no AND v.part = m.part;

-- name: placed
-- What events have from their session.
CREATE OR REPLACE TEMP VIEW placed AS
SELECT n.rid, r.session_key, n.place, n.gap_ms / 1000.0 AS gap
FROM numbered AS n
JOIN renewed AS r
    ON r.visitor_hash = n.visitor_hash AND r.session_no = n.session_no AND r.part = n.part;
