-- BigQuery's statements. Rows are only added; a view shows one row per key.

-- name: columns
SELECT table_name, column_name, data_type, 0
FROM `{namespace}`.INFORMATION_SCHEMA.COLUMNS
WHERE table_name NOT IN (SELECT table_name FROM `{namespace}`.INFORMATION_SCHEMA.VIEWS)
ORDER BY table_name, ordinal_position;

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: create_table
CREATE TABLE IF NOT EXISTS {table} ({columns}) PARTITION BY TIMESTAMP_TRUNC(_PARTITIONTIME, DAY);

-- name: create_plain_table
CREATE TABLE IF NOT EXISTS {table} ({columns}) CLUSTER BY {key};

-- name: add_column
ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column};

-- name: create_view
-- The newest row of each key, of what was loaded in the last 60 days.
CREATE OR REPLACE VIEW {view} AS
SELECT * FROM {table}
WHERE _PARTITIONTIME IS NULL
    OR _PARTITIONTIME >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY), INTERVAL 60 DAY)
QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY `received_at` DESC, `loaded_at` DESC) = 1;

-- name: insert_users
-- Per column the newest value that is not null.
INSERT INTO {users} ({columns})
SELECT `user_id`, {newest_values}
FROM {identifies} AS t WHERE `user_id` IN ({user_ids})
GROUP BY `user_id`;

-- name: newest_value
ARRAY_AGG(t.{column} IGNORE NULLS ORDER BY t.`received_at` DESC, t.`id` DESC LIMIT 1)[SAFE_OFFSET(0)]

-- name: delete
DELETE FROM {table} WHERE {column} IN ({values});
