-- title: Speed
-- shows: Speed over the ground of both cars, second by second over the last minute.
-- look: how deep each car drives into the turns, and how early it is back to speed on the straights.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(speed_mph), 2) AS speed_mph
FROM engine_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
