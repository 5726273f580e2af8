-- name: strata
-- Sessions and conversions of every segment, by what else may matter. Many sessions are of few
-- kinds: they are counted by kind once, and the segments are added up from the kinds.
WITH kinds AS MATERIALIZED (
    SELECT {{columns}}, count(*) AS sessions, count(*) FILTER (WHERE conversions > 0) AS converted
    FROM ({{chosen}}) WHERE is_counted
    GROUP BY {{columns}}
)
{{segments}}

-- name: segment
SELECT '{{dimension}}' AS dimension, coalesce({{dimension}}, '(none)') AS value,
    concat_ws('|', {{strata}}) AS stratum, sum(sessions) AS sessions, sum(converted) AS converted
FROM kinds GROUP BY {{dimension}}, {{matched}}
