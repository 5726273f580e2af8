-- The careful way, for the session ids that `assign.sql` found odd: merge siblings, split at gaps,
-- at another user and at the maximum length, and say why.

-- name: add_siblings
INSERT INTO odd
SELECT DISTINCT s.visitor_hash, s.session_no
FROM (
    SELECT visitor_hash, session_no FROM siblings
    UNION ALL
    SELECT visitor_hash, root_no AS session_no FROM siblings
) AS s
WHERE NOT EXISTS (
    SELECT 1 FROM odd AS o WHERE o.visitor_hash = s.visitor_hash AND o.session_no = s.session_no
);

-- name: merged
-- The events of odd ids, each under the id it belongs to after merging siblings.
CREATE OR REPLACE TEMP TABLE merged AS
SELECT
    s.* EXCLUDE (session_no, gap_ms, place, part, cause, is_merged),
    coalesce(b.root_no, s.session_no) AS session_no,
    b.root_no <> s.session_no AS is_merged
FROM steps AS s
JOIN odd AS o ON o.visitor_hash = s.visitor_hash AND o.session_no = s.session_no
LEFT JOIN siblings AS b
    ON b.visitor_hash = s.visitor_hash AND b.session_no = s.session_no
    AND s.event_ms BETWEEN b.first_ms AND b.last_ms;

-- name: gap_breaks
CREATE OR REPLACE TEMP TABLE gap_breaks AS
WITH gaps AS (
    SELECT *, event_ms - lag(event_ms) OVER line AS gap_ms
    FROM merged
    WINDOW line AS (PARTITION BY visitor_hash, session_no ORDER BY event_ms, received_ms, message_id)
)
SELECT
    *, gap_ms > timeout_ms AS is_gap,
    sum(CASE WHEN gap_ms > timeout_ms THEN 1 ELSE 0 END) OVER (
        PARTITION BY visitor_hash, session_no ORDER BY event_ms, received_ms, message_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS gap_part
FROM gaps;

-- name: user_breaks
-- Another user: an identify with a user other than the last known one, or the first event of a
-- user after another one. A user who was there already does not split again without an identify
-- (two tabs that know different users).
CREATE OR REPLACE TEMP TABLE user_breaks AS
WITH runs AS (
    SELECT
        rid, visitor_hash, session_no, gap_part, event_ms, received_ms, message_id, user_id, is_identify,
        lag(user_id) OVER known AS last_user,
        row_number() OVER (
            PARTITION BY visitor_hash, session_no, gap_part, user_id
            ORDER BY event_ms, received_ms, message_id
        ) AS appearance
    FROM gap_breaks
    WHERE user_id IS NOT NULL
    WINDOW known AS (
        PARTITION BY visitor_hash, session_no, gap_part ORDER BY event_ms, received_ms, message_id
    )
)
SELECT rid FROM runs WHERE last_user <> user_id AND (is_identify OR appearance = 1);

-- name: user_parts
CREATE OR REPLACE TEMP TABLE user_parts AS
SELECT
    g.*, u.rid IS NOT NULL AS is_user_change,
    sum(CASE WHEN g.is_gap OR u.rid IS NOT NULL THEN 1 ELSE 0 END) OVER (
        PARTITION BY g.visitor_hash, g.session_no ORDER BY g.event_ms, g.received_ms, g.message_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS user_part
FROM gap_breaks AS g LEFT JOIN user_breaks AS u ON u.rid = g.rid;

-- name: leaps
-- Of the pieces longer than the maximum, each moment with events, and the first one that is later by
-- more than the maximum. Moments (kind 1) and their limits (kind 2) stand in one line: the moment
-- after a limit is the one looked for.
CREATE OR REPLACE TEMP TABLE leaps AS
WITH long_parts AS (
    SELECT visitor_hash, session_no, user_part, min(event_ms) AS first_ms, max(max_length_ms) AS max_length_ms
    FROM user_parts
    GROUP BY visitor_hash, session_no, user_part
    HAVING max(event_ms) - min(event_ms) > max(max_length_ms)
),
moments AS (
    SELECT DISTINCT p.visitor_hash, p.session_no, p.user_part, p.event_ms, l.first_ms, l.max_length_ms
    FROM user_parts AS p JOIN long_parts AS l
        ON l.visitor_hash = p.visitor_hash AND l.session_no = p.session_no
        AND l.user_part = p.user_part
),
line AS (
    SELECT
        visitor_hash, session_no, user_part, event_ms, first_ms,
        event_ms AS at_ms, 1 AS kind
    FROM moments
    UNION ALL
    SELECT
        visitor_hash, session_no, user_part, event_ms, first_ms,
        event_ms + max_length_ms AS at_ms, 2 AS kind
    FROM moments
),
followed AS (
    SELECT *, min(CASE WHEN kind = 1 THEN at_ms END) OVER (
        PARTITION BY visitor_hash, session_no, user_part ORDER BY at_ms, kind
        ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) AS next_ms
    FROM line
)
SELECT visitor_hash, session_no, user_part, event_ms, event_ms = first_ms AS is_first, next_ms
FROM followed WHERE kind = 2;

-- name: cuts
-- Where pieces longer than the maximum are cut: at the first event that is later than the last
-- cut (or the start) by more than the maximum.
CREATE OR REPLACE TEMP TABLE cuts AS
WITH RECURSIVE walk (visitor_hash, session_no, user_part, next_ms) AS (
    SELECT visitor_hash, session_no, user_part, next_ms FROM leaps WHERE is_first
    UNION ALL
    SELECT l.visitor_hash, l.session_no, l.user_part, l.next_ms
    FROM walk AS w JOIN leaps AS l
        ON l.visitor_hash = w.visitor_hash AND l.session_no = w.session_no
        AND l.user_part = w.user_part AND l.event_ms = w.next_ms
)
SELECT visitor_hash, session_no, user_part, next_ms AS cut_ms FROM walk WHERE next_ms IS NOT NULL;

-- name: careful
CREATE OR REPLACE TEMP TABLE careful AS
WITH caused AS (
    SELECT
        u.*,
        CASE
            WHEN u.is_gap THEN 'gap'
            WHEN u.is_user_change THEN 'user'
            WHEN c.cut_ms IS NOT NULL AND row_number() OVER (
                PARTITION BY u.visitor_hash, u.session_no, u.user_part, u.event_ms
                ORDER BY u.received_ms, u.message_id
            ) = 1 THEN 'length'
        END AS cause
    FROM user_parts AS u LEFT JOIN cuts AS c
        ON c.visitor_hash = u.visitor_hash AND c.session_no = u.session_no
        AND c.user_part = u.user_part AND c.cut_ms = u.event_ms
),
parted AS (
    SELECT *, 1 + count(cause) OVER (
        PARTITION BY visitor_hash, session_no ORDER BY event_ms, received_ms, message_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS part
    FROM caused
)
SELECT
    * EXCLUDE (gap_ms, gap_part, user_part, is_gap, is_user_change),
    event_ms - lag(event_ms) OVER line AS gap_ms,
    row_number() OVER line AS place
FROM parted
WINDOW line AS (
    PARTITION BY visitor_hash, session_no, part ORDER BY event_ms, received_ms, message_id
);

-- name: drop_odd_pieces
DELETE FROM pieces WHERE EXISTS (
    SELECT 1 FROM odd AS o
    WHERE o.visitor_hash = pieces.visitor_hash AND o.session_no = pieces.session_no
);

-- name: number_careful
CREATE OR REPLACE TEMP VIEW numbered AS SELECT * FROM careful;

-- name: count_careful_pieces
INSERT INTO pieces SELECT * FROM piece_facts;

-- name: number_all
CREATE OR REPLACE TEMP VIEW numbered AS
SELECT visitor_hash, session_no, part, rid, place, gap_ms FROM steps AS s
WHERE NOT EXISTS (
    SELECT 1 FROM odd AS o WHERE o.visitor_hash = s.visitor_hash AND o.session_no = s.session_no
)
UNION ALL
SELECT visitor_hash, session_no, part, rid, place, gap_ms FROM careful;
