-- title: Speed Over Time (Specific Car)
-- shows: Car 24 second by second over five minutes: speed through each turn, with rpm, throttle, fuel and lap beside it.
-- look: two dips of the speed in each lap are the two ends of the track, and a long one is a caution or a stop.
-- panel: At full rate the newest 1,000 raw rows of one car span 0.2 s, so the panel asks for one row a second.
SELECT
    to_timestamp(floor(epoch(time))) as time,
    ROUND(AVG(speed_mph), 2) as speed_mph,
    ROUND(AVG(rpm), 0) as rpm,
    ROUND(AVG(throttle_position), 1) as throttle_position,
    ROUND(AVG(fuel_level), 3) as fuel_level,
    MAX(lap) as lap
FROM nascar_telemetry.engine_telemetry
WHERE car_number = 24
  AND time >= now() - INTERVAL '5 minutes'
GROUP BY 1
ORDER BY time DESC
LIMIT 1000;
