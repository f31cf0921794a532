-- title: Left front tire
-- shows: Surface temperature and pressure of the left front tire now, and how much of its rubber was worn at the last line crossing.
-- look: a cooler tire than on the right, because the load of the left-hand turns is there.
-- window: 5m
SELECT live.lf_temp_f, live.lf_pressure_psi, worn.lf_wear_pct
FROM (
    SELECT
        arg_max(lf_temp_f, time) AS lf_temp_f,
        arg_max(lf_pressure_psi, time) AS lf_pressure_psi
    FROM tire_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= CAST($__timeTo() AS TIMESTAMPTZ) - INTERVAL '10 seconds'
      AND car_number = $car
    HAVING COUNT(*) > 0
) AS live
INNER JOIN (
    SELECT ROUND(arg_max(lf_wear_pct, time), 1) AS lf_wear_pct
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
) AS worn ON TRUE
ORDER BY 1
LIMIT 1
