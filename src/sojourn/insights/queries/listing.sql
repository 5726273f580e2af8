-- name: sessions
WITH chosen AS ({{chosen}})
SELECT
    session_key, start_time, end_time, duration, engaged, person, visitor_id, source_id AS source, channel,
    utm_source, utm_campaign, entry_page, exit_page, views, events, conversions, revenue, device, os, browser,
    country, platform, session_number, start_reason,
    CASE WHEN open_until >= $now AND end_reason = 'timeout' THEN 'open' ELSE end_reason END AS end_reason,
    provenance, repairs, state, revision, final_after < $now AS is_final, traffic_class
FROM chosen
ORDER BY {{order}}, session_key
LIMIT $limit OFFSET $offset;

-- name: count
SELECT count(*) AS sessions FROM ({{chosen}});

-- name: session
SELECT
    *,
    CASE WHEN open_until >= $now AND end_reason = 'timeout' THEN 'open' ELSE end_reason END AS end_state,
    final_after < $now AS is_final
FROM sessions WHERE session_key = $key;

-- name: timeline
SELECT
    event_index, event_time, gap, type, name, node, url, title, user_id, is_view, is_activity,
    is_conversion, is_error, sdk_session_id, sdk_session_start, id_fault, received_at,
    epoch_ms(received_at) - epoch_ms(event_time) AS delay_ms, target, revenue, properties, message_id
FROM session_events WHERE session_key = $key AND event_time BETWEEN $first_time AND $last_time
ORDER BY event_index;

-- name: live
WITH chosen AS ({{chosen}}),
current AS (
    SELECT session_key, max_by(node, event_index) FILTER (WHERE is_view) AS current_page,
        max_by(coalesce(name, type), event_index) AS last_event
    FROM session_events
    WHERE session_key IN (SELECT session_key FROM chosen)
        AND event_time >= (SELECT min(first_event_time) FROM chosen)
    GROUP BY session_key
)
SELECT
    c.session_key, c.start_time, c.last_event_time, c.duration, c.person, c.source_id AS source,
    c.channel, c.entry_page, u.current_page, u.last_event, c.views, c.events, c.conversions,
    c.device, c.browser, c.country, c.state, c.traffic_class
FROM chosen AS c JOIN current AS u ON u.session_key = c.session_key
ORDER BY c.last_event_time DESC, c.session_key
LIMIT $limit;

-- name: live_minutes
SELECT date_trunc('minute', event_time) AS minute, count(*) AS events, count(DISTINCT session_key) AS sessions
FROM session_events
WHERE event_time >= $now - INTERVAL 30 MINUTE AND event_time <= $now
GROUP BY ALL ORDER BY minute;
