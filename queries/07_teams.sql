-- title: Team Comparison Dashboard
-- shows: Every team over the last thirty seconds: how many cars it runs, how fast they are and how hard they rev.
-- look: the best car of a team against the mean of all its cars.
SELECT
    team,
    COUNT(DISTINCT car_number) as cars,
    ROUND(AVG(speed_mph), 1) as avg_speed,
    ROUND(MAX(speed_mph), 1) as max_speed,
    ROUND(AVG(rpm), 0) as avg_rpm,
    COUNT(*) as samples
FROM nascar_telemetry.engine_telemetry
WHERE time >= now() - INTERVAL '30 seconds'
GROUP BY team
ORDER BY avg_speed DESC;
