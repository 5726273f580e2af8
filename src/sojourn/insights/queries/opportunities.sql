-- name: strata
-- Sessions and conversions of a segment and of its peers, by what else may matter.
WITH chosen AS (
    SELECT *, coalesce({{value}}, '(none)') AS value,
        concat_ws('|', {{strata}}) AS stratum
    FROM ({{chosen}}) WHERE is_counted
)
SELECT value, stratum, count(*) AS sessions, count(*) FILTER (WHERE conversions > 0) AS converted
FROM chosen GROUP BY ALL
