-- title: Brakes around the lap
-- shows: Brake line pressure of the whole field by place on the lap, in steps of 50 m from the start line, over the last half minute. Cars on pit road are left out.
-- look: peaks where the turns begin, at about 300 and 1500 m on the 1.5-mile oval, and one more when somebody slows down for pit road.
-- window: 30s
SELECT
    CAST(floor(place.lap_distance_m / 50) * 50 AS DOUBLE) AS lap_distance_m,
    ROUND(AVG(brake.mean_psi), 1) AS mean_psi,
    MAX(brake.peak_psi) AS peak_psi
FROM (
    SELECT
        car_number,
        epoch_us(time) // 100000 AS tenth,
        AVG(brake_pressure_psi) AS mean_psi,
        MAX(brake_pressure_psi) AS peak_psi
    FROM chassis_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
    GROUP BY 1, 2
) AS brake
INNER JOIN (
    SELECT car_number, lap_distance_m, epoch_us(time) // 100000 AS tenth
    FROM track_position
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND in_pit = 0
) AS place ON place.car_number = brake.car_number AND place.tenth = brake.tenth
GROUP BY 1
ORDER BY 1
LIMIT 200
