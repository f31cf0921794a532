-- title: CPU
-- shows: Cores in use by the generator and by the server.
-- look: the server takes in a row for one or two microseconds of one core, and the rest is questions.
SELECT
    time,
    generator_cpu_cores,
    server_cpu_cores
FROM pipeline_metrics
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time DESC
LIMIT 4000
