-- Models as users of RudderStack keep them on PostgreSQL, in their own words: views over the
-- tables of one source. They know nothing of Sojourn.

-- name: id_stitching
-- The user that an anonymous id belongs to: the last one seen with it, in any table.
CREATE VIEW models.id_stitching AS
WITH seen AS (
    SELECT anonymous_id, user_id, "timestamp" FROM web_shop.identifies
    UNION ALL
    SELECT anonymous_id, user_id, "timestamp" FROM web_shop.tracks
    UNION ALL
    SELECT anonymous_id, user_id, "timestamp" FROM web_shop.pages
    UNION ALL
    SELECT anonymous_id, user_id, "timestamp" FROM web_shop.screens
)
SELECT DISTINCT
    anonymous_id,
    coalesce(
        first_value(user_id) OVER (
            PARTITION BY anonymous_id ORDER BY user_id IS NULL, "timestamp" DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        anonymous_id
    ) AS visitor_id
FROM seen;

-- name: users_latest
-- One row per user, with the latest traits.
CREATE VIEW models.users_latest AS
SELECT id AS user_id, email, first_name, plan, received_at AS updated_at
FROM (
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY received_at DESC) AS place
    FROM web_shop.users
) AS ranked
WHERE place = 1;

-- name: all_events
CREATE VIEW models.all_events AS
SELECT id AS event_id, anonymous_id, event, "timestamp", 'track' AS call,
    context_session_id, NULL::text AS path, context_campaign_source
FROM web_shop.tracks
UNION ALL
SELECT id, anonymous_id, 'page', "timestamp", 'page', context_session_id, context_page_path,
    context_campaign_source
FROM web_shop.pages
UNION ALL
SELECT id, anonymous_id, 'screen', "timestamp", 'screen', context_session_id, name, NULL
FROM web_shop.screens;

-- name: mapped_events
CREATE VIEW models.mapped_events AS
SELECT e.*, s.visitor_id,
    extract(epoch FROM e."timestamp" - lag(e."timestamp") OVER (
        PARTITION BY s.visitor_id ORDER BY e."timestamp", e.event_id
    )) / 60 AS idle_minutes
FROM models.all_events AS e
JOIN models.id_stitching AS s ON s.anonymous_id = e.anonymous_id;

-- name: sessions
-- A new session after 30 idle minutes.
CREATE VIEW models.sessions AS
WITH starts AS (
    SELECT event_id, visitor_id, "timestamp" AS session_start,
        row_number() OVER (PARTITION BY visitor_id ORDER BY "timestamp", event_id) AS sequence,
        lead("timestamp") OVER (PARTITION BY visitor_id ORDER BY "timestamp", event_id) AS next_start
    FROM models.mapped_events
    WHERE idle_minutes > 30 OR idle_minutes IS NULL
)
SELECT s.visitor_id || '-' || s.sequence AS session_id, s.visitor_id, s.sequence, s.session_start,
    max(e."timestamp") AS session_end, count(*) AS events,
    count(*) FILTER (WHERE e.call IN ('page', 'screen')) AS views,
    bool_or(e.event = 'order_completed') AS converted
FROM starts AS s
JOIN models.mapped_events AS e
    ON e.visitor_id = s.visitor_id AND e."timestamp" >= s.session_start
    AND (e."timestamp" < s.next_start OR s.next_start IS NULL)
GROUP BY s.visitor_id, s.sequence, s.session_start;

-- name: sdk_sessions
-- Sessions as the SDK counted them.
CREATE VIEW models.sdk_sessions AS
SELECT anonymous_id, context_session_id, min("timestamp") AS started, count(*) AS events
FROM models.all_events
WHERE context_session_id IS NOT NULL
GROUP BY anonymous_id, context_session_id;

-- name: revenue_by_day
CREATE VIEW models.revenue_by_day AS
SELECT date_trunc('day', o."timestamp") AS day, count(*) AS orders, sum(o.revenue) AS revenue,
    count(DISTINCT coalesce(o.user_id, o.anonymous_id)) AS buyers
FROM web_shop.order_completed AS o
JOIN web_shop.tracks AS t ON t.id = o.id
GROUP BY 1;

-- name: funnel
-- How many visitors who saw a product bought one later.
CREATE VIEW models.funnel AS
WITH viewed AS (
    SELECT s.visitor_id, min(v."timestamp") AS at
    FROM web_shop.product_viewed AS v JOIN models.id_stitching AS s USING (anonymous_id)
    GROUP BY 1
),
bought AS (
    SELECT s.visitor_id, max(o."timestamp") AS at
    FROM web_shop.order_completed AS o JOIN models.id_stitching AS s USING (anonymous_id)
    GROUP BY 1
)
SELECT count(*) AS viewed, count(b.visitor_id) AS bought
FROM viewed AS v LEFT JOIN bought AS b ON b.visitor_id = v.visitor_id AND b.at >= v.at;
