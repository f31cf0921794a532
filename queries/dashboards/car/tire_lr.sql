-- title: Left rear tire
-- shows: Surface temperature and pressure of the left rear tire now, and how much of its rubber was worn at the last line crossing.
-- look: the coolest and least worn of the four.
-- window: 5m
SELECT live.lr_temp_f, live.lr_pressure_psi, worn.lr_wear_pct
FROM (
    SELECT
        arg_max(lr_temp_f, time) AS lr_temp_f,
        arg_max(lr_pressure_psi, time) AS lr_pressure_psi
    FROM tire_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= CAST($__timeTo() AS TIMESTAMPTZ) - INTERVAL '10 seconds'
      AND car_number = $car
    HAVING COUNT(*) > 0
) AS live
INNER JOIN (
    SELECT ROUND(arg_max(lr_wear_pct, time), 1) AS lr_wear_pct
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
) AS worn ON TRUE
ORDER BY 1
LIMIT 1
