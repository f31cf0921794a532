-- title: Lateral g
-- shows: Lateral g-force of both cars, second by second over the last minute, positive in the left-hand turns.
-- look: two long hills a lap, one for each end of the oval: the higher one carries more speed through it.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(lateral_g), 3) AS lateral_g
FROM chassis_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
