-- Merging the rows of files, in the embedded DuckDB. `rows`, `identifies`, `users` are Arrow tables.

-- name: newest_of
SELECT * FROM rows
QUALIFY row_number() OVER (
    PARTITION BY {key}
    ORDER BY received_at DESC, concat_ws(chr(31), {content}) DESC, came
) = 1;

-- name: content_part
'{text}=' || {column}::VARCHAR

-- name: users_of
SELECT user_id AS id, {values} FROM identifies WHERE user_id IS NOT NULL GROUP BY user_id;

-- name: newest_value
arg_max({column}, (received_at, id)) AS {column}

-- name: of_users
SELECT * FROM identifies WHERE user_id IN (SELECT id FROM users);
