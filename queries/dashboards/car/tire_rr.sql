-- title: Right rear tire
-- shows: Surface temperature and pressure of the right rear tire now, and how much of its rubber was worn at the last line crossing.
-- look: heat when the rear slides: this tire drives the car off the turns.
-- window: 5m
SELECT live.rr_temp_f, live.rr_pressure_psi, worn.rr_wear_pct
FROM (
    SELECT
        arg_max(rr_temp_f, time) AS rr_temp_f,
        arg_max(rr_pressure_psi, time) AS rr_pressure_psi
    FROM tire_telemetry
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND time >= CAST($__timeTo() AS TIMESTAMPTZ) - INTERVAL '10 seconds'
      AND car_number = $car
    HAVING COUNT(*) > 0
) AS live
INNER JOIN (
    SELECT ROUND(arg_max(rr_wear_pct, time), 1) AS rr_wear_pct
    FROM lap_times
    WHERE time >= $__timeFrom() AND time < $__timeTo()
      AND car_number = $car
) AS worn ON TRUE
ORDER BY 1
LIMIT 1
