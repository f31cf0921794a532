-- title: Gear
-- shows: Highest gear engaged in each second of the last minute, both cars.
-- look: top gear all the way round under green, and lower gears at a restart and on pit road.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    MAX(gear) AS gear
FROM engine_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
