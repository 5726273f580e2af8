-- What Snowflake says in its own way. The rest is in merging.sql.

-- name: create_stage
CREATE TEMPORARY STAGE IF NOT EXISTS "SOJOURN_LOADS";

-- name: put
PUT 'file://{path}' @"SOJOURN_LOADS"/{load} AUTO_COMPRESS = FALSE OVERWRITE = TRUE;

-- name: copy
COPY INTO {table} FROM @"SOJOURN_LOADS"/{load}
FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PURGE = TRUE;

-- name: parse
UPDATE {table} SET {column} = PARSE_JSON(CAST({column} AS VARCHAR));
