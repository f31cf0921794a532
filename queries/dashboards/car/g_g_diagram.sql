-- title: G-g diagram
-- shows: Longitudinal against lateral g-force of both cars, a point for each second of the last minute.
-- look: points far right, which are cornering, and low ones, which are braking: a wider cloud uses more of the grip.
-- window: 60s
SELECT
    ANY_VALUE(driver) AS driver,
    car_number,
    ROUND(AVG(lateral_g), 3) AS lateral_g,
    ROUND(AVG(longitudinal_g), 3) AS longitudinal_g
FROM chassis_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY epoch_us(time) // 1000000, car_number
ORDER BY car_number, epoch_us(time) // 1000000
LIMIT 4000
