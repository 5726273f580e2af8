-- Statements of the DuckDB warehouse. In braces: names, quoted by the caller.

-- name: columns
SELECT schema_name, table_name, column_name, data_type
FROM duckdb_columns()
WHERE database_name = current_database() AND NOT internal AND schema_name NOT IN ('main', 'sojourn')
ORDER BY schema_name, table_name, column_index;

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: create_table
CREATE TABLE IF NOT EXISTS {table} ({columns});

-- name: add_column
ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column};

-- name: prepare
-- A hash of every id that is in any table: whether an id is new is found out in a tenth of the
-- time that the tables themselves would take. It may hold ids that are in no table any more.
CREATE SCHEMA IF NOT EXISTS sojourn;
CREATE TABLE IF NOT EXISTS sojourn.known_ids (hash UBIGINT NOT NULL);

-- name: hashed_ids
SELECT id, md5_number_lower($namespace || chr(31) || id) AS hash FROM incoming;

-- name: known_ids
SELECT id FROM incoming WHERE hash IN (SELECT hash FROM sojourn.known_ids);

-- name: remember_ids
INSERT INTO sojourn.known_ids SELECT hash FROM incoming;

-- name: insert_all
-- What is returned keeps it from being inserted in parts, which would be copied once more.
INSERT INTO {table} BY NAME SELECT * FROM incoming RETURNING 1;

-- name: newest_of_each
-- Of incoming rows with one key, the newest; of equally new ones, the greatest in content, so
-- that the order of arrival does not matter.
CREATE OR REPLACE TEMP TABLE newest AS
SELECT * FROM incoming
QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY received_at DESC, {content} DESC) = 1;

-- name: delete_older
DELETE FROM {table} AS t USING newest AS i
WHERE {same_key}
  AND (t.received_at, {content_of_t}) < (i.received_at, {content_of_i});

-- name: insert_unknown
INSERT INTO {table} BY NAME
SELECT i.* FROM newest AS i ANTI JOIN {table} AS t ON {same_key};

-- name: content_part
'{text}=' || {alias}.{column}::VARCHAR

-- name: drop_newest
DROP TABLE IF EXISTS temp.newest;

-- name: touched_users
-- Those whose identifies are new, and since when.
CREATE OR REPLACE TEMP TABLE touched AS
SELECT user_id, min(received_at) AS since FROM incoming WHERE user_id IS NOT NULL GROUP BY user_id;

-- name: touched_former_users
-- Those that rows about to be replaced belong to.
INSERT INTO touched
SELECT DISTINCT t.user_id, NULL FROM {identifies} AS t SEMI JOIN incoming AS i ON t.id = i.id
WHERE t.user_id IS NOT NULL;

-- name: users_anew
-- Those whose new identifies are not all newer than what is known: all of theirs decide.
CREATE OR REPLACE TEMP TABLE anew AS
SELECT DISTINCT user_id FROM touched
WHERE $all OR EXISTS (
    SELECT 1 FROM {users} AS u
    WHERE u.id = touched.user_id AND (u.received_at >= touched.since) IS NOT FALSE
);

-- name: renewed_users
-- What is known of the others, and on top of it what is new.
CREATE OR REPLACE TEMP TABLE renewed AS
SELECT i.user_id AS id, {values}
FROM incoming AS i LEFT JOIN {users} AS u ON u.id = i.user_id
WHERE i.user_id NOT IN (SELECT user_id FROM anew);

-- name: new_value
coalesce(i.{column}, u.{column}) AS {column}

-- name: known_value
u.{column} AS {column}

-- name: delete_touched_users
DELETE FROM {users} WHERE id IN (SELECT user_id FROM touched);

-- name: insert_renewed_users
INSERT INTO {users} BY NAME SELECT * FROM renewed;

-- name: insert_users_anew
-- Per column the newest value that is not null.
INSERT INTO {users} BY NAME
SELECT user_id AS id, {newest_values}
FROM {identifies} WHERE user_id IN (SELECT user_id FROM anew)
GROUP BY user_id;

-- name: drop_touched
DROP TABLE IF EXISTS temp.touched;
DROP TABLE IF EXISTS temp.anew;
DROP TABLE IF EXISTS temp.renewed;

-- name: newest_value
arg_max({column}, (received_at, id)) AS {column}
