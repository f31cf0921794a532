-- title: Write latency from the due time
-- shows: How long after its due time a write was acknowledged: half of the writes were faster than P50, 95 of 100 than P95, 99 of 100 than P99.
-- look: flat lines. A stall of the server shows here in full, because the clock does not wait for it.
SELECT
    time,
    due_p50_ms,
    due_p95_ms,
    due_p99_ms
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
