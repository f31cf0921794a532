-- title: Tire Degradation Analysis
-- shows: Car 24 lap by lap over ten minutes: tires heat up and gain pressure as the stint goes on, and start again after a stop.
-- look: temperature and pressure rise together over a stint and fall at once with new tires.
SELECT
    car_number,
    ANY_VALUE(driver) as driver,
    lap,
    ROUND(AVG((lf_temp_f + rf_temp_f + lr_temp_f + rr_temp_f) / 4.0), 1) as avg_tire_temp,
    ROUND(AVG((lf_pressure_psi + rf_pressure_psi + lr_pressure_psi + rr_pressure_psi) / 4.0), 1) as avg_tire_pressure,
    MAX(lf_temp_f) as hottest_tire_temp
FROM nascar_telemetry.tire_telemetry
WHERE car_number = 24
  AND time >= now() - INTERVAL '10 minutes'
GROUP BY car_number, lap
ORDER BY lap DESC
LIMIT 50;
