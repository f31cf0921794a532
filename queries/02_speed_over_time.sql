-- title: Speed Over Time (Specific Car)
-- shows: The newest 1,000 readings of car 24: its speed through each turn, with rpm, throttle, fuel and lap beside it.
-- look: two dips of the speed in each lap are the two ends of the track, and a long one is a caution or a stop.
SELECT
    time,
    speed_mph,
    rpm,
    throttle_position,
    fuel_level,
    lap
FROM nascar_telemetry.engine_telemetry
WHERE car_number = 24
  AND time >= now() - INTERVAL '5 minutes'
ORDER BY time DESC
LIMIT 1000;
