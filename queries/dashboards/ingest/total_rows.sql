-- title: Rows stored
-- shows: Rows of all tables that the server has stored since the stream began, by its own count.
-- look: the last digits never rest, because it grows by the whole rate every second. While the server is silent it stands.
SELECT
    stored_rows
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND NOT isnan(stored_rows)
ORDER BY time DESC
LIMIT 1
