-- Journeys over `session_paths`. `{{walked}}` is its rows that are meant, `{{line}}` one of
-- its lists: views or steps. A step is the hash of a node; NULL is where a path has ended.

-- name: whole
-- Each session's path in order (or against it).
paths AS MATERIALIZED (
    SELECT session_key, {{columns}} FROM (SELECT session_key, {{walk}} AS walk FROM chosen)
)

-- name: anchored
-- Each session's path after the anchor; sessions that do not meet it have none.
paths AS MATERIALIZED (
    SELECT session_key, {{columns}} FROM (
        SELECT session_key, walk[list_position(walk, {{anchor}}) + 1:] AS walk
        FROM (SELECT session_key, {{walk}} AS walk FROM chosen)
        WHERE list_contains(walk, {{anchor}})
    )
)

-- name: column
walk[{{k}}] AS n{{k}}

-- name: pair
SELECT {{k}} AS step, {{here}} AS a, n{{next}} AS b, count(*) AS sessions FROM paths GROUP BY ALL

-- name: names
names AS (SELECT DISTINCT step AS code, node FROM path_kinds WHERE step IS NOT NULL)

-- name: shown
-- What stands in each column: the most frequent nodes (or those named, as `step node`), `(other)` for
-- the rest; what is not here is the end.
pairs AS MATERIALIZED ({{pairs}}),
{{names}},
ranked AS (
    SELECT m.step, m.code, n.node,
        row_number() OVER (PARTITION BY m.step ORDER BY m.sessions DESC, n.node) AS place
    FROM (
        SELECT step + 1 AS step, b AS code, sum(sessions) AS sessions
        FROM pairs WHERE b IS NOT NULL GROUP BY ALL
    ) AS m JOIN names AS n ON n.code = m.code
    WHERE n.node <> $journey_end
),
shown AS MATERIALIZED (
    SELECT step, code,
        CASE
            WHEN len($journey_kept) = 0 AND place <= $journey_top THEN node
            WHEN list_contains(CAST($journey_kept AS VARCHAR[]), concat(step, ' ', node)) THEN node
            ELSE '(other)'
        END AS node
    FROM ranked
)

-- name: links
WITH chosen AS ({{walked}}), {{paths}}, {{shown}}
SELECT
    p.step, CASE WHEN p.step = 0 THEN $journey_begin ELSE coalesce(a.node, $journey_end) END AS source,
    coalesce(b.node, $journey_end) AS target, CAST(sum(p.sessions) AS BIGINT) AS sessions
FROM pairs AS p
LEFT JOIN shown AS a ON a.step = p.step AND a.code = p.a
LEFT JOIN shown AS b ON b.step = p.step + 1 AND b.code = p.b
GROUP BY ALL
ORDER BY p.step, sessions DESC, source, target

-- name: link_sessions
WITH chosen AS ({{walked}}), {{paths}}, {{shown}}
SELECT p.session_key
FROM paths AS p
LEFT JOIN shown AS a ON a.step = $journey_step AND a.code = {{here}}
LEFT JOIN shown AS b ON b.step = $journey_step + 1 AND b.code = p.n{{next}}
WHERE CASE WHEN $journey_step = 0 THEN $journey_begin ELSE coalesce(a.node, $journey_end) END = $journey_node
    AND coalesce(b.node, $journey_end) = $journey_next

-- name: steps
steps AS NOT MATERIALIZED (
    SELECT session_key, rid, len(list_distinct({{line}})) < len({{line}}) AS comes_again,
        unnest(list_prepend(NULL, {{line}})) AS a,
        unnest(list_append({{line}}, NULL)) AS b
    FROM ({{walked}})
)

-- name: transitions
-- A session can take a transition twice only where its path comes to a step again: those alone are
-- looked at session by session.
WITH {{steps}},
counted AS (SELECT a, b, count(*) AS transitions FROM steps GROUP BY a, b),
again AS (
    SELECT a, b, sum(times - 1) AS times FROM (
        SELECT rid, a, b, count(*) AS times FROM steps WHERE comes_again GROUP BY rid, a, b HAVING count(*) > 1
    ) GROUP BY a, b
),
{{names}}
SELECT coalesce(x.node, '(entry)') AS source, coalesce(y.node, '(exit)') AS target, c.transitions,
    CAST(c.transitions - coalesce(g.times, 0) AS BIGINT) AS sessions,
    c.transitions / sum(c.transitions) OVER (PARTITION BY c.a) AS share
FROM counted AS c
LEFT JOIN again AS g ON g.a IS NOT DISTINCT FROM c.a AND g.b IS NOT DISTINCT FROM c.b
LEFT JOIN names AS x ON x.code = c.a LEFT JOIN names AS y ON y.code = c.b
ORDER BY c.transitions DESC, source, target

-- name: transition_sessions
WITH {{steps}}
SELECT DISTINCT session_key FROM steps
WHERE a IS NOT DISTINCT FROM CASE WHEN $transition_node <> '(entry)' THEN {{source}} END
    AND b IS NOT DISTINCT FROM CASE WHEN $transition_next <> '(exit)' THEN {{target}} END
