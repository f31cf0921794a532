-- title: Tire pressure against temperature
-- shows: A point for each tire, car and lap of the last quarter of an hour: pressure against surface temperature at the line.
-- look: four lines, one for each tire, because hot air needs more room: the cold points are laps under caution or after a stop.
-- window: 15m
SELECT
    driver,
    lap,
    lf_temp_f,
    lf_pressure_psi,
    rf_temp_f,
    rf_pressure_psi,
    lr_temp_f,
    lr_pressure_psi,
    rr_temp_f,
    rr_pressure_psi
FROM lap_times
WHERE time >= $__timeFrom() AND time < $__timeTo()
ORDER BY time
LIMIT 4000
