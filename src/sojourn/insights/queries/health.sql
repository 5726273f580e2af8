-- name: arrivals
-- How each event came. History is what somebody sends who says himself that it is of long ago, for
-- its sender's clock goes with the time of the event: an import, a replay. An event that waited on
-- a phone is late (its clock is right when it is sent), one of a clock that is wrong is skewed (its
-- time is corrected by that clock).
timed AS (
    SELECT c.session_key, c.source_id, p.timeout_ms * 1000 AS timeout_us
    FROM chosen AS c JOIN session_policies AS p ON p.source_id = c.source_id
    WHERE {{any}} OR c.late_events > 0
),
moments AS NOT MATERIALIZED (
    SELECT *, epoch_us(received_at) AS received_us, epoch_us(event_time) AS event_us,
        epoch_us(sent_at) AS sent_us
    FROM session_events WHERE event_time >= $from
),
arrivals AS (
    SELECT
        t.session_key, t.source_id, m.id_fault, m.sdk_session_id, m.sdk_session_no, m.anonymous_id, m.sent_at,
        received_us - event_us AS delay_us, abs(received_us - sent_us) AS skew_us,
        received_us - event_us > timeout_us AS is_late,
        CASE
            WHEN received_us - sent_us > timeout_us THEN abs(sent_us - event_us) <= timeout_us ELSE FALSE
        END AS is_history
    FROM moments AS m JOIN timed AS t ON t.session_key = m.session_key
)

-- name: beside
-- Which sessions begin while another of the visitor goes on.
SELECT source_id, session_key,
    start_time < max(last_event_time) OVER (
        PARTITION BY visitor_hash ORDER BY start_time, session_no, part
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS is_parallel
FROM chosen

-- name: sessions
-- `chosen` is read three times, narrowly: to keep all its columns would cost more.
WITH chosen AS NOT MATERIALIZED ({{chosen}}),
{{late_arrivals}},
lateness AS (
    SELECT source_id, count(*) FILTER (WHERE is_late) AS late, count(*) FILTER (WHERE NOT is_late) AS history
    FROM (
        SELECT any_value(source_id) AS source_id, bool_or(NOT is_history) AS is_late
        FROM arrivals WHERE is_late GROUP BY session_key
    )
    GROUP BY source_id
),
side_by_side AS (
    SELECT source_id, count(*) FILTER (WHERE is_parallel) AS parallel
    FROM ({{beside}})
    GROUP BY source_id
),
facts AS (
    SELECT
        source_id,
        count(*) AS sessions,
        count(*) FILTER (WHERE contains(repairs, 'id_null')) AS id_null,
        count(*) FILTER (WHERE contains(repairs, 'id_negative')) AS id_negative,
        count(*) FILTER (WHERE contains(repairs, 'id_zero')) AS id_zero,
        count(*) FILTER (WHERE contains(repairs, 'id_short')) AS id_short,
        count(*) FILTER (WHERE contains(repairs, 'id_garbage')) AS id_garbage,
        count(*) FILTER (WHERE contains(repairs, 'id_type')) AS id_type,
        count(*) FILTER (WHERE contains(repairs, 'split_gap')) AS split_gap,
        count(*) FILTER (WHERE contains(repairs, 'split_length')) AS split_length,
        count(*) FILTER (WHERE contains(repairs, 'split_user')) AS split_user,
        count(*) FILTER (WHERE contains(repairs, 'siblings_merged')) AS siblings_merged,
        count(*) FILTER (WHERE contains(repairs, 'start_flag_missing')) AS start_flag_missing,
        count(*) FILTER (WHERE contains(repairs, 'id_joined')) AS id_joined,
        count(*) FILTER (WHERE provenance = 'inferred') AS inferred,
        count(*) FILTER (WHERE duration = 0) AS zero_length,
        count(*) FILTER (WHERE duration > 4 * 3600) AS very_long,
        count(*) FILTER (WHERE NOT is_counted) AS not_counted
    FROM chosen GROUP BY source_id
)
SELECT f.source_id AS source, f.* EXCLUDE (source_id), coalesce(l.late, 0) AS late,
    coalesce(l.history, 0) AS history, o.parallel
FROM facts AS f
JOIN side_by_side AS o ON o.source_id = f.source_id
LEFT JOIN lateness AS l ON l.source_id = f.source_id
ORDER BY source

-- name: parallel
WITH chosen AS ({{chosen}})
SELECT session_key FROM ({{beside}}) WHERE is_parallel

-- name: events
WITH chosen AS ({{chosen}}),
{{all_arrivals}},
counts AS (
    SELECT
        source_id AS source,
        count(*) AS events,
        count(*) FILTER (WHERE id_fault IS NOT NULL) AS faulty_ids,
        count(*) FILTER (WHERE sdk_session_id IS NULL) AS without_id,
        count(*) FILTER (WHERE anonymous_id IS NULL) AS without_anonymous_id,
        count(*) FILTER (WHERE is_history) AS history,
        count(*) FILTER (WHERE is_late AND NOT is_history) AS late_events,
        count(*) FILTER (WHERE sent_at IS NOT NULL) AS with_clock,
        count(*) FILTER (WHERE skew_us > 60000000 AND NOT is_history) AS skewed,
        quantile_cont(skew_us, [0.5, 0.99]) FILTER (WHERE NOT is_history) AS skews,
        quantile_cont(delay_us, [0.5, 0.99]) FILTER (WHERE NOT is_history) AS delays,
        count(*) FILTER (WHERE sdk_session_no BETWEEN 1000000000000 AND 99999999999000
            AND sdk_session_no % 1000 = 0 AND length(sdk_session_id) <= 11) AS ids_in_seconds
    FROM arrivals
    GROUP BY source_id
)
SELECT
    * EXCLUDE (skews, delays, ids_in_seconds),
    skews[1] / 1e6 AS skew_median, skews[2] / 1e6 AS skew_p99,
    delays[1] / 1e6 AS delay_median, delays[2] / 1e6 AS delay_p99, ids_in_seconds
FROM counts ORDER BY source

-- name: traffic
SELECT source_id AS source, traffic_class, count(*) AS sessions
FROM sessions WHERE start_time >= $from AND start_time < $to
GROUP BY ALL ORDER BY source, traffic_class

-- name: differences
-- The same events under the rules of other tools. A visit begins at the first event of a visitor,
-- and wherever a rule says so. Of most visitors that follows from their sessions: these are one
-- after the other, none goes past midnight, no pause within, one campaign at most. Only of the
-- others (`odd`) the events are walked.
WITH chosen AS NOT MATERIALIZED ({{chosen}}),
spans AS (
    SELECT
        visitor_hash, first_event_time, last_event_time,
        max(last_event_time) OVER (
            PARTITION BY visitor_hash ORDER BY first_event_time
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier_time
    FROM chosen
),
-- Days begin at a quarter of an hour everywhere: the zone is asked only beyond one.
turns AS (
    SELECT
        visitor_hash,
        coalesce(epoch_us(first_event_time) - epoch_us(earlier_time) > 1800000000, TRUE) AS is_visit,
        first_event_time < $from OR coalesce(earlier_time >= first_event_time, FALSE) OR CASE
            WHEN epoch_us(first_event_time) // 900000000 <> epoch_us(last_event_time) // 900000000
            THEN date_trunc('day', timezone($zone, timezone('UTC', first_event_time)))
                <> date_trunc('day', timezone($zone, timezone('UTC', last_event_time)))
            ELSE FALSE
        END AS is_odd,
        CASE
            WHEN epoch_us(first_event_time) - epoch_us(earlier_time) <= 1800000000
            THEN date_trunc('day', timezone($zone, timezone('UTC', first_event_time)))
                <> date_trunc('day', timezone($zone, timezone('UTC', earlier_time)))
            ELSE FALSE
        END AS is_midnight
    FROM spans
),
visitors AS MATERIALIZED (
    SELECT visitor_hash, bool_or(is_odd) AS is_odd, count(*) FILTER (WHERE is_visit) AS visits,
        count(*) FILTER (WHERE is_midnight) AS midnights
    FROM turns GROUP BY visitor_hash
),
odd AS MATERIALIZED (
    SELECT visitor_hash FROM visitors WHERE is_odd
    UNION
    SELECT visitor_hash FROM session_events WHERE gap > 1800 AND event_time >= $from
    UNION
    SELECT visitor_hash FROM (
        SELECT DISTINCT visitor_hash, utm_source, utm_medium, utm_campaign FROM session_events
        WHERE event_time >= $from AND coalesce(utm_source, utm_medium, utm_campaign) IS NOT NULL
    )
    GROUP BY visitor_hash HAVING count(*) > 1
),
lines AS (
    SELECT
        e.visitor_hash, e.event_index, e.session_key,
        nullif(concat_ws('|', e.utm_source, e.utm_medium, e.utm_campaign), '') AS campaign,
        date_trunc('day', timezone($zone, timezone('UTC', e.event_time))) AS local_day,
        epoch_ms(e.event_time) AS at_ms
    FROM session_events AS e
    WHERE e.event_time >= $from AND e.visitor_hash IN (SELECT visitor_hash FROM odd)
        AND e.session_key IN (SELECT session_key FROM chosen)
),
known AS (
    SELECT *, count(campaign) OVER visits AS campaigns, lag(at_ms) OVER visits AS earlier_ms,
        lag(local_day) OVER visits AS earlier_day
    FROM lines
    WINDOW visits AS (PARTITION BY visitor_hash ORDER BY at_ms, session_key, event_index)
),
tagged AS (
    SELECT visitor_hash, campaigns, campaign <> lag(campaign) OVER (
        PARTITION BY visitor_hash ORDER BY campaigns
    ) AS is_new_campaign
    FROM known WHERE campaign IS NOT NULL
),
gaps AS (
    SELECT
        k.at_ms - k.earlier_ms AS gap_ms, k.local_day <> k.earlier_day AS is_new_day,
        k.campaign IS NOT NULL AND t.is_new_campaign AS is_new_campaign
    FROM known AS k LEFT JOIN tagged AS t
        ON t.visitor_hash = k.visitor_hash AND t.campaigns = k.campaigns AND k.campaign IS NOT NULL
),
walked AS (
    SELECT
        count(*) FILTER (WHERE gap_ms IS NULL OR gap_ms > 1800000) AS ga4,
        count(*) FILTER (WHERE gap_ms IS NULL OR gap_ms > 1800000 OR is_new_day OR is_new_campaign) AS matomo
    FROM gaps
),
told AS (
    SELECT coalesce(sum(visits), 0) AS ga4, coalesce(sum(visits + midnights), 0) AS matomo
    FROM visitors WHERE visitor_hash NOT IN (SELECT visitor_hash FROM odd)
)
SELECT
    CAST(w.ga4 + t.ga4 AS BIGINT) AS ga4, CAST(w.matomo + t.matomo AS BIGINT) AS matomo,
    (SELECT count(*) FROM chosen) AS sojourn, (SELECT count(*) FROM visitors) AS visitors,
    (SELECT count(DISTINCT person) FROM chosen) AS people
FROM walked AS w, told AS t

-- name: ids
-- How many session ids SDKs sent, and how many events came without. In a session that is as its SDK
-- sent it (`is_sent`) every event has its id; of the others the events are read.
WITH told AS NOT MATERIALIZED (
    SELECT session_key, visitor_hash, session_no,
        provenance = 'sdk' AND NOT contains(coalesce(repairs, ''), 'id_joined') AND first_event_time >= $from AS is_sent
    FROM ({{chosen}})
),
read AS MATERIALIZED (
    SELECT visitor_hash, sdk_session_no, count(*) AS events
    FROM session_events
    WHERE event_time >= $from AND session_key IN (SELECT session_key FROM told WHERE NOT is_sent)
    GROUP BY visitor_hash, sdk_session_no
),
ids AS (
    SELECT visitor_hash, session_no FROM told WHERE is_sent
    UNION
    SELECT visitor_hash, sdk_session_no FROM read WHERE sdk_session_no IS NOT NULL
)
SELECT
    (SELECT count(*) FROM ids) AS amplitude,
    CAST(coalesce(sum(events) FILTER (WHERE sdk_session_no IS NULL), 0) AS BIGINT) AS out_of_session
FROM read

-- name: late
WITH chosen AS ({{chosen}}),
{{late_arrivals}}
SELECT DISTINCT session_key FROM arrivals WHERE is_late AND NOT is_history

-- name: history
WITH chosen AS ({{chosen}}),
{{late_arrivals}}
SELECT session_key FROM arrivals WHERE is_late GROUP BY session_key HAVING bool_and(is_history)

-- name: zero_length
SELECT session_key FROM ({{chosen}}) WHERE duration = 0

-- name: very_long
SELECT session_key FROM ({{chosen}}) WHERE duration > 4 * 3600
