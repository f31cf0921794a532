-- title: Throttle
-- shows: Throttle of both cars, second by second over the last minute, 100 % is wide open.
-- look: who lifts earlier before a turn, and who is back to wide open first.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(throttle_position), 1) AS throttle_position
FROM engine_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
