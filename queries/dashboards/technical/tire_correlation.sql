-- title: Correlation of pressure and temperature
-- shows: Correlation of pressure and temperature of each tire over all its readings of the last five seconds, of the whole field: 1 is a straight line, 0 no connection.
-- look: values near 1, a little lower where the temperatures of the field differ less and the noise of the sensors counts for more.
-- window: 5s
SELECT
    ROUND(CORR(lf_pressure_psi, lf_temp_f), 3) AS lf_correlation,
    ROUND(CORR(rf_pressure_psi, rf_temp_f), 3) AS rf_correlation,
    ROUND(CORR(lr_pressure_psi, lr_temp_f), 3) AS lr_correlation,
    ROUND(CORR(rr_pressure_psi, rr_temp_f), 3) AS rr_correlation
FROM tire_telemetry
WHERE time >= $__timeFrom() AND time < $__timeTo()
HAVING COUNT(*) > 1
ORDER BY 1
LIMIT 1
