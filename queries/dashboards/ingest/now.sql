-- title: Right now
-- shows: What is asked for, what the server acknowledged and stored over the last five seconds, and the age of the newest row that a query sees.
-- look: acknowledged equals the target, and the newest row is about as old as the server flushes.
SELECT
    target_rate,
    acknowledged_rate,
    stored_rate,
    newest_row_age_s
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 1
