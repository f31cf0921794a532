-- title: Fuel level
-- shows: Fuel in the cell of both cars, second by second over the last minute.
-- look: a fall on wide open throttle, a rest on a closed one, and the jump up in the pit box.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    MIN(fuel_level) AS fuel_level
FROM engine_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
