-- name: overview
WITH chosen AS ({{chosen}})
SELECT
    count(*) AS sessions,
    count(DISTINCT person) AS people,
    count(*) FILTER (WHERE is_new) AS new_sessions,
    count(*) FILTER (WHERE NOT is_new) AS returning_sessions,
    count(*) FILTER (WHERE is_counted) AS counted_sessions,
    count(*) FILTER (WHERE is_counted AND is_engaged) AS engaged_sessions,
    count(*) FILTER (WHERE is_bounce) AS bounced_sessions,
    count(*) FILTER (WHERE is_classic_bounce) AS classic_bounces,
    count(*) FILTER (WHERE views > 0) AS viewed_sessions,
    count(*) FILTER (WHERE conversions > 0) AS converted_sessions,
    count(*) FILTER (WHERE state <> 'ok') AS errored_sessions,
    count(*) FILTER (WHERE is_counted AND is_engaged) / nullif(count(*) FILTER (WHERE is_counted), 0) AS engagement_rate,
    count(*) FILTER (WHERE is_bounce) / nullif(count(*) FILTER (WHERE is_counted), 0) AS bounce_rate,
    count(*) FILTER (WHERE conversions > 0) / nullif(count(*), 0) AS conversion_rate,
    sum(duration) / nullif(count(*), 0) AS duration_mean,
    quantile_cont(duration, 0.5) AS duration_median,
    quantile_cont(duration, 0.9) AS duration_p90,
    sum(engaged) / nullif(count(*), 0) AS engaged_mean,
    quantile_cont(engaged, 0.5) AS engaged_median,
    sum(events) AS events, sum(views) AS views, sum(conversions) AS conversions,
    sum(views) / nullif(count(*), 0) AS views_per_session,
    sum(revenue) AS revenue
FROM chosen;

-- name: trend
WITH chosen AS ({{chosen}}),
local AS (
    SELECT *, CASE
        WHEN $unit = 'hour' THEN date_trunc('hour', start_time)
        ELSE date_trunc($unit, timezone($zone, timezone('UTC', start_time)))
    END AS local_start
    FROM chosen
),
series AS (
    SELECT unnest(generate_series(
        date_trunc($unit, CASE WHEN $unit = 'hour' THEN $from ELSE timezone($zone, timezone('UTC', $from)) END),
        CASE WHEN $unit = 'hour' THEN $to ELSE timezone($zone, timezone('UTC', $to)) END - INTERVAL 1 MILLISECOND,
        CAST('1 ' || $unit AS INTERVAL)
    )) AS local_start
),
bounds AS (
    SELECT
        local_start,
        CASE WHEN $unit = 'hour' THEN local_start ELSE timezone('UTC', timezone($zone, local_start)) END AS starts,
        CASE
            WHEN $unit = 'hour' THEN local_start + INTERVAL 1 HOUR
            ELSE timezone('UTC', timezone($zone, local_start + CAST('1 ' || $unit AS INTERVAL)))
        END AS ends
    FROM series
)
SELECT
    b.local_start AS time,
    count(l.session_key) AS sessions,
    count(DISTINCT l.person) AS people,
    count(l.session_key) FILTER (WHERE l.is_new) AS new_sessions,
    count(l.session_key) FILTER (WHERE l.is_counted AND l.is_engaged) AS engaged_sessions,
    count(l.session_key) FILTER (WHERE l.is_bounce) AS bounced_sessions,
    count(l.session_key) FILTER (WHERE l.conversions > 0) AS converted_sessions,
    count(l.session_key) FILTER (WHERE l.state <> 'ok') AS errored_sessions,
    coalesce(sum(l.views), 0) AS views,
    quantile_cont(l.duration, 0.5) AS duration_median,
    sum(l.engaged) / nullif(count(l.session_key), 0) AS engaged_mean,
    coalesce(sum(l.revenue), 0) AS revenue,
    greatest(b.starts, $from) AS bucket_from, least(b.ends, $to) AS bucket_to
FROM bounds AS b LEFT JOIN local AS l ON l.local_start = b.local_start
GROUP BY ALL
ORDER BY time;

-- name: breakdown
WITH chosen AS ({{chosen}})
SELECT
    CAST({{column}} AS VARCHAR) AS value,
    count(*) AS sessions,
    count(*) / sum(count(*)) OVER () AS share,
    count(DISTINCT person) AS people,
    count(*) FILTER (WHERE is_new) AS new_sessions,
    count(*) FILTER (WHERE is_counted AND is_engaged) AS engaged_sessions,
    count(*) FILTER (WHERE is_bounce) AS bounced_sessions,
    count(*) FILTER (WHERE is_bounce) / nullif(count(*) FILTER (WHERE is_counted), 0) AS bounce_rate,
    quantile_cont(duration, 0.5) AS duration_median,
    sum(engaged) / nullif(count(*), 0) AS engaged_mean,
    sum(views) / nullif(count(*), 0) AS views_per_session,
    count(*) FILTER (WHERE conversions > 0) AS converted_sessions,
    count(*) FILTER (WHERE conversions > 0) / nullif(count(*), 0) AS conversion_rate,
    count(*) FILTER (WHERE state <> 'ok') AS errored_sessions,
    sum(revenue) AS revenue
FROM chosen
GROUP BY {{column}}
ORDER BY sessions DESC, value NULLS FIRST;
