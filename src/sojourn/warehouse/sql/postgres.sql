-- What PostgreSQL says in its own way. The rest is in merging.sql.

-- name: session
SET TIME ZONE 'UTC';
SET client_min_messages = 'error';
SET statement_timeout = 0;

-- name: lock
-- One loader at a time, also after one was killed whose last transaction is still ending.
SELECT pg_advisory_xact_lock(hashtext('sojourn.warehouse'));

-- name: copy
COPY {table} ({columns}) FROM STDIN (FORMAT csv);

-- name: create_key_index
CREATE INDEX ON {table} ({key});

-- name: analyse
ANALYZE {table};

-- name: insert_touched_users
INSERT INTO {users} ({columns})
SELECT {user_id}, {newest_values}
FROM {identifies} AS t WHERE {user_id} IN (SELECT {user_id} FROM {touched})
GROUP BY {user_id};

-- name: newest_value
(array_agg(t.{column} ORDER BY t.{received_at} DESC, t.{id} DESC)
    FILTER (WHERE t.{column} IS NOT NULL))[1]

-- name: any_known
SELECT 1 FROM {table} AS t JOIN {staged} AS s ON {same_key} LIMIT 1;
