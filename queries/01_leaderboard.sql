-- title: Real-Time Leaderboard (Top 10 by Speed)
-- shows: The ten fastest cars over the last ten seconds: who is quick right now, whatever place they run in.
-- look: how close the ten are: at one speed they draft, and a gap opens where one gets away.
SELECT
    car_number,
    driver,
    team,
    manufacturer,
    AVG(speed_mph) as avg_speed
FROM nascar_telemetry.engine_telemetry
WHERE time > now() - INTERVAL '10 seconds'
GROUP BY car_number, driver, team, manufacturer
ORDER BY avg_speed DESC
LIMIT 10;
