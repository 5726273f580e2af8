-- name: fill
-- Visitors of a shop: sessions of about 7.7 events, some ids missing, written as the model would
-- have them before it has given them sessions.
INSERT INTO session_events BY NAME
WITH numbers AS (SELECT unnest(range($events)) AS n),
drawn AS (
    SELECT
        n, n // 8 AS session, hash(n) AS chance, hash(n // 8) AS fate,
        hash(n // 8) % ($events // 40 + 1) AS visitor
    FROM numbers
),
timed AS (
    SELECT
        *, TIMESTAMP '2026-01-01' + to_milliseconds(CAST(fate % 5184000000 AS BIGINT)) AS begins,
        (n % 8) * 20000 + chance % 15000 AS offset_ms
    FROM drawn
)
SELECT
    'shop' AS source_id, 'm' || n AS message_id,
    CAST(md5_number_lower('shop|m' || n) >> 1 AS BIGINT) AS message_hash,
    'visitor-' || visitor AS visitor_id,
    CAST(md5_number_lower('shop|visitor-' || visitor) >> 1 AS BIGINT) AS visitor_hash,
    'visitor-' || visitor AS anonymous_id,
    CASE WHEN visitor % 5 = 0 AND n % 8 >= 4 THEN 'user-' || visitor END AS user_id,
    CASE n % 8 WHEN 4 THEN 'identify' WHEN 3 THEN 'track' WHEN 5 THEN 'track' WHEN 7 THEN 'track' ELSE 'page' END AS type,
    CASE n % 8
        WHEN 3 THEN 'Product Added' WHEN 5 THEN 'Checkout Started'
        WHEN 7 THEN CASE WHEN fate % 10 < 3 THEN 'Order Completed' ELSE 'Button Clicked' END
    END AS name,
    begins + to_milliseconds(CAST(offset_ms AS BIGINT)) AS event_time,
    begins + to_milliseconds(CAST(offset_ms + 800 AS BIGINT)) AS received_at,
    CASE WHEN fate % 20 > 0 THEN CAST(epoch_ms(begins) AS VARCHAR) END AS sdk_session_id,
    CASE WHEN n % 8 = 0 THEN TRUE END AS sdk_session_start,
    CASE WHEN fate % 20 > 0 THEN epoch_ms(begins) END AS sdk_session_no,
    n % 8 IN (0, 1, 2, 6) AS is_view, TRUE AS is_activity,
    n % 8 = 7 AND fate % 10 < 3 AS is_conversion, n % 8 = 7 AND fate % 10 >= 3 AS is_click,
    FALSE AS is_error, FALSE AS is_fatal, CASE WHEN n % 8 = 7 THEN 49.5 END AS revenue,
    CASE n % 8
        WHEN 3 THEN 'Product Added' WHEN 5 THEN 'Checkout Started'
        WHEN 7 THEN CASE WHEN fate % 10 < 3 THEN 'Order Completed' ELSE 'Button Clicked' END
        WHEN 4 THEN NULL
        ELSE 'shop.example/p' || chance % 200
    END AS node,
    'https://shop.example/p' || chance % 200 AS url, 'shop.example' AS host,
    '/p' || chance % 200 AS path,
    CASE WHEN fate % 4 = 0 THEN 'newsletter' END AS utm_source,
    CASE WHEN fate % 4 = 0 THEN 'email' END AS utm_medium,
    CASE WHEN fate % 4 = 0 THEN 'Email' ELSE 'Direct' END AS channel,
    'web' AS platform, CASE WHEN fate % 3 = 0 THEN 'mobile' ELSE 'desktop' END AS device,
    CASE WHEN fate % 3 = 0 THEN 'iOS' ELSE 'Windows' END AS os,
    CASE WHEN fate % 3 = 0 THEN 'Mobile Safari' ELSE 'Chrome' END AS browser,
    '17' AS browser_version, 'human' AS traffic_class
FROM timed
ORDER BY event_time;

-- name: plain_events
-- The floor: the same sessions by the gap rule, with lag and a running sum: every event assigned …
CREATE OR REPLACE TEMP TABLE plain_events AS
WITH gaps AS (
    SELECT
        *, CASE WHEN epoch_ms(event_time) - epoch_ms(lag(event_time) OVER visits) > 1800000 THEN 1 ELSE 0 END AS breaks
    FROM (
        SELECT source_id, visitor_id, sdk_session_id, message_id, event_time, received_at, is_view,
            is_conversion, revenue, node, url, utm_source, channel, device, os, browser, user_id
        FROM session_events
    )
    WINDOW visits AS (PARTITION BY source_id, visitor_id, sdk_session_id ORDER BY event_time, received_at, message_id)
)
SELECT *, sum(breaks) OVER visits AS part, row_number() OVER visits AS place
FROM gaps
WINDOW visits AS (PARTITION BY source_id, visitor_id, sdk_session_id ORDER BY event_time, received_at, message_id);

-- name: plain_sessions
-- … and every session aggregated.
CREATE OR REPLACE TEMP TABLE plain_sessions AS
SELECT
    source_id, visitor_id, sdk_session_id, part, min(event_time) AS start_time, max(event_time) AS end_time,
    count(*) AS events, count(*) FILTER (WHERE is_view) AS views,
    count(*) FILTER (WHERE is_conversion) AS conversions, sum(revenue) AS revenue,
    arg_min(node, place) FILTER (WHERE is_view) AS entry_page,
    arg_max(node, place) FILTER (WHERE is_view) AS exit_page,
    arg_min(url, place) FILTER (WHERE is_view) AS landing_url,
    arg_min(utm_source, place) AS utm_source, arg_min(channel, place) AS channel,
    arg_min(device, place) AS device, arg_min(os, place) AS os,
    arg_min(browser, place) AS browser, max(user_id) AS user_id
FROM plain_events
GROUP BY ALL;

-- name: write_paths
COPY (
    SELECT session_key AS user_id, coalesce(node, name, type) AS event, event_time AS timestamp
    FROM session_events
    WHERE session_key IS NOT NULL
) TO '{path}' (FORMAT parquet)
