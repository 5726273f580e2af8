-- What Databricks says otherwise than Spark, whose file has the rest.

-- name: open
-- Databricks follows a recursion 100 times: one session id is cut at its longest length so often.
SET TIME ZONE 'UTC';
DROP SCHEMA IF EXISTS {working} CASCADE;
CREATE SCHEMA {working};
