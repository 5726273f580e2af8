-- ClickHouse's statements. Tables replace rows with the same sort key when their parts merge, so
-- queries that must not see a repetition say FINAL.

-- name: columns
SELECT table, name, type, 0 FROM system.columns WHERE database = '{namespace}'
ORDER BY table, position;

-- name: create_schema
CREATE DATABASE IF NOT EXISTS {schema};

-- name: create_table
CREATE TABLE IF NOT EXISTS {table} ({columns})
ENGINE = {engine} ORDER BY ({sort_key}){partition};

-- name: partition
 PARTITION BY toDate(`received_at`)

-- name: add_column
ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column};

-- name: insert_users
-- Per column the newest value that is not null.
INSERT INTO {users} ({columns})
SELECT `user_id`, {newest_values}
FROM {identifies} AS t FINAL WHERE `user_id` IN ({user_ids})
GROUP BY `user_id`;

-- name: newest_value
argMax(t.{column}, (t.`received_at`, t.`id`))

-- name: delete
DELETE FROM {table} WHERE {column} IN ({values});
