-- title: Rows a second against the target
-- shows: Rows a second that came due, that the server acknowledged and that it stored, beside the target.
-- look: one line where there are four. Where stored falls below acknowledged, the server buffers.
SELECT
    time,
    target_rate,
    offered_rate,
    acknowledged_rate,
    stored_rate
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
