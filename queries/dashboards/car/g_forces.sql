-- title: G-forces
-- shows: Lateral and longitudinal g-force of both cars, second by second over the last minute.
-- look: Two long hills of lateral g a lap are the two ends of the oval, and longitudinal g dips before each of them.
-- window: 60s
SELECT
    to_timestamp(floor(epoch(time))) AS time,
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(lateral_g), 3) AS lateral_g,
    ROUND(AVG(longitudinal_g), 3) AS longitudinal_g
FROM chassis_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY 1, car_number
ORDER BY 1, car_number
LIMIT 1000;
