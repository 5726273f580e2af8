-- Conditions and queries for delta-rs, in DataFusion's dialect.

-- name: newer
"s"."received_at" > "t"."received_at"
    OR ("s"."received_at" = "t"."received_at" AND {content_of_s} > {content_of_t})

-- name: content_part
coalesce('{text}=' || CAST("{alias}"."{column}" AS STRING) || chr(31), '')

-- name: identifies_where
SELECT * FROM identifies WHERE "{column}" IN ({values});
