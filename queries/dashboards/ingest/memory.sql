-- title: Memory
-- shows: Memory of the generator and of the server.
-- look: flat. Memory of the server that only grows is rows that it cannot write fast enough.
SELECT
    time,
    generator_memory_mb,
    server_memory_mb
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
