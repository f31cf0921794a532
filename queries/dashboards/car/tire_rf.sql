-- title: Right front tire
-- shows: Surface temperature and pressure of the right front tire now, and how much of its rubber was worn at the last line crossing.
-- look: the hottest of the four, and the first to wear out.
-- window: 5m
SELECT live.rf_temp_f, live.rf_pressure_psi, worn.rf_wear_pct
FROM (
    SELECT
        arg_max(rf_temp_f, time) AS rf_temp_f,
        arg_max(rf_pressure_psi, time) AS rf_pressure_psi
    FROM tire_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= CAST($__timeTo() AS TIMESTAMPTZ) - INTERVAL '10 seconds'
      AND car_number = $car
    HAVING COUNT(*) > 0
) AS live
INNER JOIN (
    SELECT ROUND(arg_max(rf_wear_pct, time), 1) AS rf_wear_pct
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
) AS worn ON TRUE
ORDER BY 1
LIMIT 1
