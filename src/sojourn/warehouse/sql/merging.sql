-- Merging by key, in PostgreSQL's dialect; sqlglot renders it for Redshift and Snowflake.
-- In braces: names and lists of them, quoted by the caller.

-- name: columns
SELECT table_name, column_name, data_type, character_maximum_length
FROM information_schema.columns WHERE table_schema = '{namespace}'
ORDER BY table_name, ordinal_position;

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: create_table
CREATE TABLE IF NOT EXISTS {table} ({columns});

-- name: add_column
ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column};

-- name: create_staging
-- As the table is, so that values and texts of both compare alike.
CREATE TEMPORARY TABLE {staged} AS SELECT {columns} FROM {table} AS t WHERE 1 = 0;

-- name: drop_staging
DROP TABLE IF EXISTS {staged};

-- name: newest_of_each
-- Of staged rows with one key, the newest; of equally new ones, the greatest in content, so that
-- the order of arrival does not matter.
CREATE TEMPORARY TABLE {newest} AS
SELECT {columns} FROM (
    SELECT {columns}, row_number() OVER (
        PARTITION BY {key} ORDER BY s.{received_at} DESC, {content} DESC
    ) AS place
    FROM {staged} AS s
) AS ranked WHERE place = 1;

-- name: delete_older
DELETE FROM {table} AS t USING {staged} AS s
WHERE {same_key} AND (
    t.{received_at} < s.{received_at}
    OR (t.{received_at} = s.{received_at} AND {content_of_t} < {content_of_s})
);

-- name: insert_unknown
INSERT INTO {table} ({columns})
SELECT {columns} FROM {staged} AS s
WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {same_key});

-- name: content_part
-- Nulls leave no trace, whatever columns came when.
coalesce('{text}=' || CAST({alias}.{column} AS text) || chr(31), '')

-- name: content_boolean
CASE WHEN {alias}.{column} THEN '{text}=true' WHEN NOT {alias}.{column} THEN '{text}=false' ELSE '' END

-- name: create_touched
-- Those whose identifies are new, and those that rows about to be replaced belong to.
CREATE TEMPORARY TABLE {touched} AS
SELECT {user_id} FROM {staged} WHERE {user_id} IS NOT NULL
UNION
SELECT t.{user_id} FROM {identifies} AS t JOIN {staged} AS s ON t.{id} = s.{id}
WHERE t.{user_id} IS NOT NULL;

-- name: delete_touched_users
DELETE FROM {users} WHERE {id} IN (SELECT {user_id} FROM {touched});

-- name: insert_touched_users
-- Per column the newest value that is not null.
INSERT INTO {users} ({columns})
SELECT DISTINCT {user_id}, {newest_values}
FROM {identifies} AS t WHERE {user_id} IN (SELECT {user_id} FROM {touched});

-- name: newest_value
first_value(t.{column} IGNORE NULLS) OVER (
    PARTITION BY t.{user_id} ORDER BY t.{received_at} DESC, t.{id} DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)

-- name: delete_values
DELETE FROM {table} WHERE {column} IN ({values});

-- name: insert_all
INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged} AS s;
