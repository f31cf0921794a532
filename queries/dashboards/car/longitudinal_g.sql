-- title: Longitudinal g
-- shows: Longitudinal g-force of both cars, second by second over the last minute, positive when a car gains speed.
-- look: a dip on the way into each end of the oval, and how long it stays above nothing on the way out.
-- window: 60s
SELECT
    to_timestamp(epoch_us(time) // 1000000) AS time,
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(longitudinal_g), 3) AS longitudinal_g
FROM chassis_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 4000
