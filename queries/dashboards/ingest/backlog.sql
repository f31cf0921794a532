-- title: Backlog
-- shows: Rows that the server has taken and not stored yet, and rows that are due and not settled.
-- look: a saw as high as what comes in between two flushes. A slope upwards is a server that cannot keep up.
SELECT
    time,
    backlog_rows,
    waiting_rows
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
