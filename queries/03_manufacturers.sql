-- title: Manufacturer Performance Comparison
-- shows: The three makes over the last minute: average and top speed, engine speed and throttle across all their cars.
-- look: three makes within a mile an hour of each other: the rules make the cars equal.
SELECT
    manufacturer,
    COUNT(*) as samples,
    AVG(rpm) as avg_rpm,
    AVG(speed_mph) as avg_speed,
    AVG(throttle_position) as avg_throttle,
    MAX(speed_mph) as max_speed
FROM nascar_telemetry.engine_telemetry
WHERE time >= now() - INTERVAL '1 minute'
GROUP BY manufacturer
ORDER BY avg_speed DESC;
