-- title: G-g diagram
-- shows: Longitudinal against lateral g-force of both cars, a point for each second of the last minute.
-- look: Points far right are cornering, low points are braking, and a wider cloud uses more of the grip.
-- window: 60s
SELECT
    ANY_VALUE(driver) AS driver,
    ROUND(AVG(lateral_g), 3) AS lateral_g,
    ROUND(AVG(longitudinal_g), 3) AS longitudinal_g
FROM chassis_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
  AND car_number IN ($car, $compare)
GROUP BY floor(epoch(time)), car_number
ORDER BY car_number, floor(epoch(time))
LIMIT 1000;
