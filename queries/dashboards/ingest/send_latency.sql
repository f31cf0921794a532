-- title: Write latency from the send
-- shows: How long the server took for a write, from the first byte sent to the answer.
-- look: the same as from the due time if nothing waits: what is above it there is waiting in the generator.
SELECT
    time,
    send_p50_ms,
    send_p95_ms,
    send_p99_ms
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
